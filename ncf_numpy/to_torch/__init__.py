"""A model as a `torch.nn.Module` and back; PyTorch is imported only here."""
