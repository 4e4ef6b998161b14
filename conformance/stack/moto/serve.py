"""moto's server, with three things that CloudFormation does and moto does not: it waits for a custom resource, whose answer other
resources need; it updates what depends on one when that is updated; it splits a parameter's list where it is the default, and
trims what is in it.

python serve.py NODE [FLAGS OF MOTO'S SERVER]

moto would start the function in Docker and go on. Here Node runs the code that was deployed, with the event that
CloudFormation sends; see run-custom-resource.mjs. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

from moto.awslambda.utils import get_backend
from moto.cloudformation.custom_model import CustomModel
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap
from moto.server import main

NODE = sys.argv.pop(1)
RUNNER = Path(__file__).with_name("run-custom-resource.mjs")


def run(request, properties, context):
    function = get_backend(*context["place"]).get_function(properties["ServiceToken"])
    event = {
        "RequestType": request,
        "ServiceToken": properties["ServiceToken"],
        "ResponseURL": "https://cloudformation.invalid/answer",
        "StackId": context["stack"],
        "RequestId": f"{request}-{context['logical_id']}",
        "LogicalResourceId": context["logical_id"],
        "ResourceType": context["type"],
        "ResourceProperties": properties,
    }
    if request != "Create":
        event["PhysicalResourceId"] = context["physical_id"]
    with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as code:
        source = code.read(code.namelist()[0]).decode()
    given = json.dumps({"code": source, "event": event})
    answer = json.loads(subprocess.run([NODE, RUNNER], input=given, stdout=subprocess.PIPE, text=True, check=True).stdout)
    # It ends the deployment; moto lets what was made until then lie.
    if answer["Status"] != "SUCCESS":
        raise ValidationError(message=answer["Reason"])
    return answer


def create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    context = {
        "place": (account_id, region_name),
        "stack": kwargs["StackId"],
        "logical_id": kwargs["LogicalId"],
        "type": kwargs["ResourceType"],
    }
    answer = run("Create", cloudformation_json["Properties"], context)
    context["physical_id"] = answer["PhysicalResourceId"]
    resource = cls(region_name, "Create", context["logical_id"], answer["PhysicalResourceId"])
    resource.context = context
    resource.properties = cloudformation_json["Properties"]
    resource.set_data(answer["Data"])
    return resource


def update(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    answer = run("Update", cloudformation_json["Properties"], original_resource.context)
    original_resource.properties = cloudformation_json["Properties"]
    original_resource.set_data(answer["Data"])
    return original_resource


def delete_all(self):
    # First what still needs its function.
    for resource in self._parsed_resources.values():
        if isinstance(resource, CustomModel):
            run("Delete", resource.properties, resource.context)
    delete_resources(self)


def references(template):
    """The names in Ref and Fn::GetAtt."""
    if isinstance(template, list):
        return {name for item in template for name in references(item)}
    if not isinstance(template, dict):
        return set()
    if "Ref" in template:
        return {template["Ref"]}
    if "Fn::GetAtt" in template:
        return {template["Fn::GetAtt"][0]}
    return {name for value in template.values() for name in references(value)}


def find_changes(self, other_template, parameters=None):
    changes = find_direct_changes(self, other_template, parameters)
    resources = other_template["Resources"]
    custom = {name for name in changes["Modify"] if resources[name]["Type"].startswith("Custom::")}
    dependents = [name for name, resource in resources.items() if custom & references(resource)]
    changes["Modify"] += [name for name in dependents if name not in changes["Modify"]]
    return changes


def load_parameters(self):
    load_given_parameters(self)
    for name, parameter in self._template.get("Parameters", {}).items():
        value = self.resolved_parameters[name]
        if parameter["Type"] == "CommaDelimitedList":
            items = value.split(",") if isinstance(value, str) else value
            self.resolved_parameters[name] = self._parsed_resources[name] = [item.strip() for item in items]


find_direct_changes = ResourceMap.build_resource_diff
load_given_parameters = ResourceMap.load_parameters
delete_resources = ResourceMap.delete
ResourceMap.build_resource_diff = find_changes
ResourceMap.delete = delete_all
ResourceMap.load_parameters = load_parameters
CustomModel.create_from_cloudformation_json = classmethod(create)
CustomModel.update_from_cloudformation_json = classmethod(update)
CustomModel.delete = lambda self, account_id, region_name: None

main(sys.argv[1:])
