"""The mathematics of diffusion on NumPy arrays: noise schedules, samplers, latents."""
