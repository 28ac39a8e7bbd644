"""Implementations are found by their folder."""

from gradhealth.layers import activation, base, linear
from gradhealth.registry import modules, subclasses_in
from gradhealth.schemas.entry import LAYERS


def test_every_module_of_a_folder_is_imported_in_order():
    names = [module.__name__ for module in modules("gradhealth.layers")]

    assert names == sorted(names)
    assert "gradhealth.layers.conv" in names


def test_subclasses_are_found_where_they_are_defined():
    found = list(subclasses_in("gradhealth.layers", base.Layer))

    assert found.count(linear.Linear) == 1
    assert activation.ReLU in found


def test_abstract_and_private_classes_are_left_out():
    found = list(subclasses_in("gradhealth.layers", base.Layer))

    assert base.Layer not in found
    assert not [cls for cls in found if cls.__name__.startswith("_")]


def test_layers_are_known_by_type_and_alias():
    assert LAYERS["SiLU"] is LAYERS["Swish"]
    assert LAYERS["Linear"] is linear.Linear
