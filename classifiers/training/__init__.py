"""Training: data sets, recipes, the loop, the frameworks, distillation, evaluation and the report."""
