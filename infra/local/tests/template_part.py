"""Parts of the project's own template, to be deployed without the rest."""

from typing import Any

import yaml

from emulator_process import LOCAL

TEMPLATE = LOCAL.parent / "template.yaml"


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as the long ones: `!Sub x` as `{"Fn::Sub": "x"}`."""


def intrinsic(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if tag == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


Loader.add_multi_constructor("!", intrinsic)


def template_part(*resources: str) -> dict[str, Any]:
    """The template with only these resources, which must not refer to others."""
    template = yaml.load(TEMPLATE.read_text(), Loader)
    return {
        "Parameters": template["Parameters"],
        "Mappings": template["Mappings"],
        "Conditions": template["Conditions"],
        "Resources": {name: template["Resources"][name] for name in resources},
    }


def described(alarm: str, language: str, stack: str) -> str:
    """What the mails of an alarm say in a stack in us-east-1."""
    template = yaml.load(TEMPLATE.read_text(), Loader)
    description = template["Resources"][alarm]["Properties"]["AlarmDescription"]
    text, words = description["Fn::Sub"]
    for name, mapped in words.items():
        mapping, key, _ = mapped["Fn::FindInMap"]
        text = text.replace(f"${{{name}}}", template["Mappings"][mapping][key][language])
    return text.replace("${AWS::StackName}", stack).replace("${AWS::Region}", "us-east-1")
