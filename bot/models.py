"""Load the models in the configured folder; `Analyzer.reacting_model` says which one reacts in a server."""

from __future__ import annotations

from collections.abc import Mapping

from bot.configuration import Configuration, ConfigurationError
from classifiers import Classifier, load_models


def load_configured_models(configuration: Configuration) -> Mapping[str, Classifier]:
    """Return the classifiers in the configured directory by name, among them the one that reacts.

    Raises:
        ConfigurationError: the model that is to react is not in the directory.
        classifiers.ModelDirectoryError: the models cannot be loaded.
    """
    models = load_models(configuration.models)
    require_reacting_model(models, configuration)
    return models


def require_reacting_model(models: Mapping[str, Classifier], configuration: Configuration) -> None:
    """Raise ConfigurationError if the model that is to react is not among the models."""
    if configuration.reacts_with not in models:
        raise ConfigurationError(
            f"The bot reacts with {configuration.reacts_with}, but {configuration.models} holds only "
            f"{' and '.join(models)}: set EMOBOT_REACTS_WITH to {' or '.join(models)}."
        )
