"""The forecasting network: causal features, the stack, the linear branch, covariates, the head."""
