"""As `python -m` starts it; what stands in for the engine is `llama_cpp.server`."""

import runpy

if __name__ == "__main__":
    runpy.run_module("llama_cpp.server", run_name="__main__", alter_sys=True)
