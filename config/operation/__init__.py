"""How it is watched: probes, figures, log lines, spans, and what is looked at before anything is served."""
