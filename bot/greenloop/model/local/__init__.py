"""Models that greenloop serves itself: which engine and quantization fit a machine, where the weights come from, and
the process that serves them on loopback.

Facts of models (`families.toml`) and of the machine (`Machine`) are values; what is chosen (`plan`) follows from them
alone. Everything heavy (the hub's library, torch, engines) runs in processes of its own.
"""
