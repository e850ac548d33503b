"""The linear branch in closed form: ridge regression from Gram matrices of dense chunks."""
