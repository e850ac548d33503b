"""The race: many candidates, trained shortly, of which validation keeps the best."""
