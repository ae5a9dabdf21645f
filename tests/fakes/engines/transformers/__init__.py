"""Only here to be found: what stands in for the engine is `llama_cpp.server`."""
