"""The engine: events in, actions out.

`TuningEngine.handle(event, now)` is the only way in. It has no thread, clock, file or
process: the session (`synetune_lab.session`) feeds it and carries its actions out.
"""
