"""Opening a Zippo model on ONNX Runtime or PyTorch and running its four networks."""
