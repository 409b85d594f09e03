"""The other side of each measurement, a program each: PyTorch, `transformers`, ONNX Runtime.

They are started by `bench/speed.py`, or by hand from `bench/`: `python -m peers.torch_matmul …`.
Each prints one line of JSON.
"""
