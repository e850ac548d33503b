"""What a training would cost: a plan, made from a short measurement before it starts."""
