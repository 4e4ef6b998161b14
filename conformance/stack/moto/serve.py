"""moto's server, extended by what CloudFormation does and moto does not:

- It waits for a custom resource, whose attributes other resources need.
- It updates resources that depend on an updated custom resource.
- It deletes the previous object of a custom resource that changes its physical id.
- It rejects a change of the function of a custom resource.
- It replaces a function that changes its name.
- It updates resources that a condition or the default of a parameter changes.
- It creates and deletes resources whose own condition changes, and lists only those that exist.
- It updates the inline policies of a role.
- It removes items of lists that are AWS::NoValue.
- It splits the default value of a list parameter, and trims the items.
- It runs inline code of a template.
- It keeps resources with a DeletionPolicy that retains them.
- It lets only the tests read a queue: moto would invoke its own function with each message.
- It ends the ARN of a log group with :*, as CloudFormation does.
- It registers the exports that an update adds.
- It moves messages from a dead-letter queue back to the queue (StartMessageMoveTask).
- It creates a stack by a change set, and records why a change set failed as events of the stack.
- It accepts a change set that changes nothing, and one with the previous values of lists.

python serve.py URL [OPTIONS OF MOTO'S SERVER]

moto would start the function in Docker without waiting. This server posts the deployed function, its code, and CloudFormation's
event without the response URL to the given URL. The response to that request is the response of the function.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import base64
import io
import json
import os
import sys
import urllib.request
import zipfile

import moto.cloudformation.parsing as parsing
from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend
from moto.cloudformation.custom_model import CustomModel
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Event, Stack
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.responses import CloudFormationResponse
from moto.iam.models import Role
from moto.logs.models import LogGroup
from moto.server import main
from moto.core.responses import ActionResult
from moto.sqs.exceptions import InvalidParameterValue
from moto.sqs.models import Queue
from moto.sqs.responses import SQSResponse

URL = sys.argv.pop(1)
# State machines find the other services of moto at this port.
os.environ["MOTO_PORT"] = sys.argv[sys.argv.index("-p") + 1]
if "LAMBDA_ENDPOINT" in os.environ:
    # The interpreter of state machines takes a second to load.
    import step_functions

    step_functions.extend(os.environ["LAMBDA_ENDPOINT"])


def run(request, properties, context):
    function = get_backend(*context["place"]).get_function(properties["ServiceToken"])
    event = {
        "RequestType": request,
        "ServiceToken": properties["ServiceToken"],
        "StackId": context["stack"],
        "RequestId": f"{request}-{context['logical_id']}",
        "LogicalResourceId": context["logical_id"],
        "ResourceType": context["type"],
        "ResourceProperties": properties,
    }
    if request != "Create":
        event["PhysicalResourceId"] = context["physical_id"]
    code = base64.b64encode(function.code_bytes).decode()
    task = json.dumps({"function": function.get_configuration(), "code": code, "event": event})
    with urllib.request.urlopen(URL, task.encode()) as response:
        answer = json.load(response)
    # A failure ends the deployment. moto keeps the resources that it created before.
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
    context = original_resource.context
    properties = cloudformation_json["Properties"]
    if properties == original_resource.properties:
        return original_resource
    if properties["ServiceToken"] != original_resource.properties["ServiceToken"]:
        raise ValidationError(message="Modifying service token is not allowed.")
    before = {"properties": original_resource.properties, "context": dict(context)}
    answer = run("Update", properties, context)
    if answer["PhysicalResourceId"] != context["physical_id"]:
        # CloudFormation deletes it after the other updates.
        run("Delete", **before)
        context["physical_id"] = original_resource.resource_name = answer["PhysicalResourceId"]
    original_resource.properties = properties
    original_resource.set_data(answer["Data"])
    return original_resource


def update_function(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    # moto zips inline code when it creates a function, but not when it updates one.
    code = cloudformation_json["Properties"]["Code"]
    if "ZipFile" in code:
        code = {"ZipFile": base64.b64encode(zip_inline_code(code["ZipFile"])).decode()}
        properties = {**cloudformation_json["Properties"], "Code": code}
        cloudformation_json = {**cloudformation_json, "Properties": properties}
    # Two generated names of one function differ only in their suffix.
    if new_resource_name.rsplit("-", 1)[0] == original_resource.function_name.rsplit("-", 1)[0]:
        return update_function_in_place(
            original_resource, new_resource_name, cloudformation_json, account_id, region_name
        )
    # CloudFormation deletes the old one after the other updates. No update of these templates gets that far.
    return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)


def delete_all(self):
    self.is_deleting = True
    # First delete resources that need their function.
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


def conditions(template):
    """The names of conditions in Fn::If."""
    if isinstance(template, list):
        return {name for item in template for name in conditions(item)}
    if not isinstance(template, dict):
        return set()
    own = {template["Fn::If"][0]} if "Fn::If" in template else set()
    return own | {name for value in template.values() for name in conditions(value)}


def names_of_conditions(expression):
    """The names in {"Condition": NAME} of a condition."""
    if isinstance(expression, list):
        return {name for item in expression for name in names_of_conditions(item)}
    if not isinstance(expression, dict):
        return set()
    own = {expression["Condition"]} if isinstance(expression.get("Condition"), str) else set()
    return own | {name for value in expression.values() for name in names_of_conditions(value)}


def find_changed_conditions(expressions, parameters):
    changed = {name for name, value in expressions.items() if parameters & references(value)}
    while True:
        more = {name for name, value in expressions.items() if changed & names_of_conditions(value)} - changed
        if not more:
            return changed
        changed |= more


def find_existing(self, template, parameters):
    """The names of the resources whose condition holds."""
    place = (self._region_name, self._account_id)
    other = ResourceMap(self.stack_id, self["AWS::StackName"], parameters, {}, *place, template, None)
    other.load_mapping()
    other.load_parameters()
    other.load_conditions()
    resources = template["Resources"].items()
    return {name for name, made in resources if "Condition" not in made or other.lazy_condition_map[made["Condition"]]}


def delete_unless_retained(self, parsed_resource, resource_json):
    if not resource_json.get("DeletionPolicy", "Delete").startswith("Retain"):
        delete_one_resource(self, parsed_resource, resource_json)
    # moto removes the entries of a stack that is deleted, but not those of an update.
    if getattr(self, "is_deleting", False):
        return
    for name in [name for name, made in self._parsed_resources.items() if made is parsed_resource]:
        del self._parsed_resources[name]


def clean_json(resource_json, resources_map):
    cleaned = clean_items(resource_json, resources_map)
    return [item for item in cleaned if item is not None] if isinstance(resource_json, list) else cleaned


def create_role(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    role = create_plain_role(resource_name, cloudformation_json, account_id, region_name, **kwargs)
    role.inline_policies = set()
    return put_inline_policies(role, cloudformation_json)


def update_role(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    return put_inline_policies(original_resource, cloudformation_json)


def put_inline_policies(role, cloudformation_json):
    policies = cloudformation_json["Properties"].get("Policies", [])
    for name in role.inline_policies:
        role.delete_policy(name)
    for policy in policies:
        role.put_policy(policy["PolicyName"], json.dumps(policy["PolicyDocument"]))
    role.inline_policies = {policy["PolicyName"] for policy in policies}
    return role


def find_changes(self, other_template, parameters=None):
    changes = find_direct_changes(self, other_template, parameters)
    before = find_existing(self, self._template, self.input_parameters)
    after = find_existing(self, other_template, parameters or self.input_parameters)
    changes["Add"] = [name for name in other_template["Resources"] if name in after - before]
    changes["Remove"] = [name for name in self._resource_json_map if name in before - after]
    changes["Modify"] = [name for name in changes["Modify"] if name in before & after]
    resources = other_template["Resources"]
    modified = changes["Modify"]

    def add(names):
        modified.extend(name for name in names if name in before & after and name not in modified)

    def is_custom(name):
        return resources[name]["Type"].startswith("Custom::")

    new = parameters or self.input_parameters
    # Parameters without a value get their defaults.
    given = {name for name in new | self.input_parameters if self.input_parameters.get(name) != new.get(name)}
    changed = find_changed_conditions(other_template.get("Conditions", {}), given)
    add([name for name, made in resources.items() if given & references(made) or changed & conditions(made)])
    functions = {name for name in modified if resources[name]["Type"] == "AWS::Lambda::Function"}
    add([name for name, resource in resources.items() if is_custom(name) and functions & references(resource)])
    custom = {name for name in modified if is_custom(name)}
    add([name for name, resource in resources.items() if custom & references(resource)])
    # Custom resources are updated by the updated function, and their dependents last.
    modified.sort(key=lambda name: 0 if name in functions else 1 if name in custom else 2)
    return changes


def load_parameters(self):
    load_given_parameters(self)
    for name, parameter in self._template.get("Parameters", {}).items():
        value = self.resolved_parameters[name]
        if parameter["Type"] == "CommaDelimitedList":
            items = value.split(",") if isinstance(value, str) else value
            self.resolved_parameters[name] = self._parsed_resources[name] = [item.strip() for item in items]


def zip_inline_code(code):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.js", code)
    return archive.getvalue()


def start_message_move_task(self):
    arn = self._get_param("SourceArn")
    queues = self.sqs_backend.queues.values()
    target = next((queue for queue in queues if queue.redrive_policy and queue.redrive_policy["deadLetterTargetArn"] == arn), None)
    if target is None:
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    source = next(queue for queue in queues if queue.queue_arn == arn)
    moved = list(source.messages)
    for message in moved:
        self.sqs_backend.send_message(target.name, message.body)
        source._messages.remove(message)
    return ActionResult({"TaskHandle": base64.b64encode(f"{arn} {len(moved)}".encode()).decode()})


def update_stack(self, *args, **kwargs):
    stack = update_plain_stack(self, *args, **kwargs)
    for export in stack.exports:
        self.exports[export.name] = export
    return stack


def stack_parameters(self):
    values = self.resource_map.resolved_parameters.items()
    return {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in values}


def list_parameters(self):
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in self.stack_parameters.items()]


def has_parameters(self, other):
    return self.stack_parameters == {**self.stack_parameters, **other}


def reject_equal_update(self, *args):
    if self._get_action() != "CreateChangeSet":
        reject_plain_equal_update(self, *args)


def find_changes_of_change_set(self):
    return [] if self.change_set_type == "CREATE" else find_plain_changes_of_change_set(self)


def execute_change_set(self, change_set_name, stack_name=None):
    change_set = self.describe_change_set(change_set_name)
    stack, kind = change_set.stack, change_set.change_set_type
    stack._add_stack_event(f"{kind}_IN_PROGRESS", resource_status_reason="User Initiated")
    earlier = stack.template_dict
    stack.template, stack.template_dict = change_set.template, change_set.template_dict
    defaults = {name: str(made.get("Default")) for name, made in change_set.template_dict["Parameters"].items()}
    # moto compares numbers that are given with text of the template.
    parameters = {name: value for name, value in change_set.parameters.items() if value != defaults[name]}
    stack.parameters = parameters
    try:
        if kind == "CREATE":
            stack.resource_map = stack._create_resource_map()
            stack.resource_map.create(stack.template_dict)
        else:
            stack.resource_map.update(stack.template_dict, parameters)
        stack.output_map = stack._create_output_map()
        stack.description = stack.template_dict.get("Description")
        for export in stack.exports:
            self.exports[export.name] = export
        stack.status = f"{kind}_COMPLETE"
    except ValidationError as error:
        custom = next(name for name, made in stack.template_dict["Resources"].items() if made["Type"].startswith("Custom::"))
        failed = ("", "Custom::", f"{kind}_FAILED", error.message, None)
        stack.events.append(Event(stack.stack_id, stack.name, custom, *failed))
        # Unlike CloudFormation, it does not delete or restore the other resources.
        stack.template_dict = earlier or stack.template_dict
        stack.status = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
    stack._add_stack_event(stack.status)
    change_set.execution_status = "EXECUTE_COMPLETE"


def log_group_attribute(self, attribute_name):
    value = plain_log_group_attribute(self, attribute_name)
    return f"{value}:*" if attribute_name == "Arn" and not value.endswith(":*") else value


update_plain_stack = CloudFormationBackend.update_stack
find_plain_changes_of_change_set = ChangeSet.diff
reject_plain_equal_update = CloudFormationResponse._validate_different_update
plain_log_group_attribute = LogGroup.get_cfn_attribute
find_direct_changes = ResourceMap.build_resource_diff
load_given_parameters = ResourceMap.load_parameters
clean_items = parsing.clean_json
delete_resources = ResourceMap.delete
delete_one_resource = ResourceMap._delete_resource
create_plain_role = Role.create_from_cloudformation_json
update_function_in_place = LambdaFunction.update_from_cloudformation_json
ResourceMap.build_resource_diff = find_changes
ResourceMap.delete = delete_all
parsing.clean_json = clean_json
ResourceMap._delete_resource = delete_unless_retained
Stack.stack_resources = property(lambda self: [made for made in self.resource_map.values() if made is not None])
Role.create_from_cloudformation_json = classmethod(create_role)
Role.update_from_cloudformation_json = classmethod(update_role)
CloudFormationBackend.update_stack = update_stack
CloudFormationBackend.execute_change_set = execute_change_set
CloudFormationResponse._validate_different_update = reject_equal_update
ChangeSet.diff = find_changes_of_change_set
Stack.stack_parameters = property(stack_parameters)
Stack.parameter_list = property(list_parameters)
Stack.has_parameters = has_parameters
LogGroup.get_cfn_attribute = log_group_attribute
Queue.lambda_event_source_mappings = property(lambda self: {}, lambda self, value: None)
SQSResponse.start_message_move_task = start_message_move_task
ResourceMap.load_parameters = load_parameters
LambdaFunction._create_zipfile_from_plaintext_code = staticmethod(zip_inline_code)
LambdaFunction.update_from_cloudformation_json = classmethod(update_function)
CustomModel.create_from_cloudformation_json = classmethod(create)
CustomModel.update_from_cloudformation_json = classmethod(update)
CustomModel.delete = lambda self, account_id, region_name: None

main(sys.argv[1:])
