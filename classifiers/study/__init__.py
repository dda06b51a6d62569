"""The study of recurrent networks: its layers, its experiments, its figures and its article."""
