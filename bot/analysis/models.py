"""Load the models in the configured folder, and say which one reacts in a server."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.configuration import Configuration, ConfigurationError
from classifiers import Classifier, load_models

_SHIPPED = ("bilstm", "rnn")
"""The models that come with the package; the first reacts by default."""


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


def reacting_model(server_model: str | None, loaded: Collection[str], default: str) -> str:
    """Return the name of the model that reacts in a server.

    Args:
        server_model: the model that the server's settings name. If it is None or not loaded, the default model reacts.
        loaded: the names of the loaded models.
        default: the name of the default model.
    """
    return server_model if server_model is not None and server_model in loaded else default


def models_to_compare(server_model: str | None, loaded: Collection[str], default: str) -> tuple[str, str] | None:
    """Return the model that reacts in a server and the one to compare it with; None if only one model is loaded.

    If there are more than two models, the other one is a shipped model, unless none is loaded. The arguments are those
    of `reacting_model`.
    """
    reacting = reacting_model(server_model, loaded, default)
    others = [name for name in (*_SHIPPED, *loaded) if name in loaded and name != reacting]
    return (reacting, others[0]) if others else None
