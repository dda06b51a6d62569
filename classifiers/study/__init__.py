"""The study of recurrent networks: its layers, its experiments and its report."""
