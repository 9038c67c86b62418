"""Exported."""
def measure_exports(model, images=None): raise NotImplementedError
