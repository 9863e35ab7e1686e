"""Random adults: phenotypes drawn from plausible distributions, and MakeHuman's target coefficients for them."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from odah_gen.body.free.makehuman import MakeHuman

Phenotypes = Mapping[str, Float[np.ndarray, " people"]]

# Stature that MakeHuman gives at height 0, and its gain per unit of height (m), read off its meshes.
STATURE_AT_ZERO = {"male": 1.364, "female": 1.224}
STATURE_GAIN = 1.09
# Adult stature, mean and standard deviation (m), as in surveys of European and American adults.
STATURE = {"male": 1.76, "female": 1.63}
STATURE_SD = 0.068
# MakeHuman's weight 0.5 is slim; these means give a body mass index near 24, and 1 is not yet obese.
WEIGHT = {"male": 0.70, "female": 0.92}
WEIGHT_SD = 0.3
HEAVIEST = 1.35


def draw_phenotypes(people: int, gender: str, generator: np.random.Generator) -> Phenotypes:
    """Draw adults of a gender; "neutral" mixes both and includes some in between."""
    female = draw_gender(people, gender, generator)
    race = generator.dirichlet([0.7] * 3, people)
    return {
        "female": female,
        "age": generator.random(people) ** 1.6,
        "muscle": bounded(generator, people, 0.5, 0.17, 1.0),
        "weight": np.clip(generator.normal(between(WEIGHT, female), WEIGHT_SD), 0, HEAVIEST),
        "height": height_for(generator.normal(between(STATURE, female), STATURE_SD), female),
        "proportions": bounded(generator, people, 0.5, 0.2, 1.0),
        "cup": bounded(generator, people, 0.45, 0.2, 1.0),
        "firmness": bounded(generator, people, 0.5, 0.2, 1.0),
        "african": race[:, 0],
        "asian": race[:, 1],
        "caucasian": race[:, 2],
    }


def average_adult() -> Phenotypes:
    """One person in the middle of everything: what is fixed once for all genders is fixed on this body."""
    female = np.array([0.5])
    middle = dict.fromkeys(("muscle", "proportions", "cup", "firmness"), np.array([0.5]))
    races = dict.fromkeys(("african", "asian", "caucasian"), np.array([1 / 3]))
    stature = height_for(between(STATURE, female), female)
    return (
        {"female": female, "age": np.array([0.38]), "weight": between(WEIGHT, female), "height": stature}
        | middle
        | races
    )


def draw_gender(people: int, gender: str, generator: np.random.Generator) -> Float[np.ndarray, " people"]:
    """0 is male, 1 female; within a gender a little spread, in the neutral body two groups and a bridge."""
    if gender == "male":
        return generator.uniform(0, 0.12, people)
    if gender == "female":
        return generator.uniform(0.88, 1, people)
    choice = generator.random(people)
    bridge = generator.random(people)
    return np.where(choice < 0.4, 0.15 * bridge, np.where(choice < 0.8, 1 - 0.15 * bridge, bridge))


def between(values: Mapping[str, float], female: Float[np.ndarray, " people"]) -> Float[np.ndarray, " people"]:
    """Interpolate a figure between the genders."""
    return values["male"] + female * (values["female"] - values["male"])


def height_for(stature: np.ndarray, female: np.ndarray) -> Float[np.ndarray, " people"]:
    """MakeHuman's height parameter for a stature in metres."""
    return (stature - between(STATURE_AT_ZERO, female)) / STATURE_GAIN


def bounded(generator: np.random.Generator, people: int, mean: float, sd: float, upper: float) -> np.ndarray:
    """Normal numbers clipped to 0 … upper."""
    return np.clip(generator.normal(mean, sd, people), 0, upper)


def target_coefficients(source: MakeHuman, phenotypes: Phenotypes) -> Float[np.ndarray, "people targets"]:
    """The coefficient of a target is the product of the weights of its words."""
    weights = word_weights(phenotypes)
    return np.stack([np.prod([weights[word] for word in key], axis=0) for key in source.target_keys], 1)


def word_weights(phenotypes: Phenotypes) -> dict[str, Float[np.ndarray, " people"]]:
    """How much of each anchor ("maxmuscle", "old", …) a person has; the anchors of a property sum to 1."""
    races = {name: phenotypes[name] for name in ("african", "asian", "caucasian")}
    total = np.sum(list(races.values()), axis=0)
    return {
        "male": 1 - phenotypes["female"],
        "female": phenotypes["female"],
        "young": 1 - phenotypes["age"],
        "old": phenotypes["age"],
        "minheight": 1 - phenotypes["height"],
        "maxheight": phenotypes["height"],
        "idealproportions": 1 - phenotypes["proportions"],
        "uncommonproportions": phenotypes["proportions"],
        **three_anchors(phenotypes["muscle"], "muscle"),
        **three_anchors(phenotypes["weight"], "weight"),
        **three_anchors(phenotypes["cup"], "cup"),
        **three_anchors(phenotypes["firmness"], "firmness"),
        **{name: share / total for name, share in races.items()},
    }


def three_anchors(value: Float[np.ndarray, " people"], name: str) -> dict[str, Float[np.ndarray, " people"]]:
    """Hat functions at 0, 0.5 and 1, extended linearly above 1."""
    return {
        f"min{name}": np.clip(1 - 2 * value, 0, None),
        f"average{name}": np.where(value < 0.5, 2 * value, 2 - 2 * value),
        f"max{name}": np.clip(2 * value - 1, 0, None),
    }


def shape_vertices(source: MakeHuman, coefficients: Float[np.ndarray, " targets"]) -> Float[np.ndarray, "vertices 3"]:
    """The mesh (m) of one person in MakeHuman's own pose."""
    moved = coefficients.astype(np.float32) @ source.targets.reshape(len(source.targets), -1)
    return source.vertices + moved.reshape(source.vertices.shape)
