"""Zippo Desktop: photo mattes and transparent images from one offline diffusion model."""

__version__ = "0.1.0"
