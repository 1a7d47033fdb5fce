"""LoRA fine-tuning of a small classifier, in NumPy alone."""
