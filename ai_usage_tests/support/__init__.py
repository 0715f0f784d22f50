"""What tests of several packages share: the simulated company through the real pipeline."""
