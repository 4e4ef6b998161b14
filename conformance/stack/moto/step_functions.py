"""What AWS Step Functions does and moto does not:

- It invokes functions. moto would start them in Docker. Here, the test Lambda at the given endpoint runs them.
- A Distributed Map writes the results of its children. moto writes an empty manifest.
- Calls of the AWS SDK have the names of parameters in Pascal case.
- It runs state machines that CloudFormation created.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

import json
import uuid

from moto.stepfunctions import models
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.distributed_item_processor_worker import (
    DistributedItemProcessorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval.resource_eval_s3 import (
    ResourceEvalS3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

# Results of the children by the last part of the ARN of their map run.
results = {}


def map_run_id(record):
    return record.map_run_arn.split(":")[-1]


def eval_job(self, env, job):
    inputs = []
    eval_input = self._eval_input

    def keep_input(env_frame):
        eval_input(env_frame=env_frame)
        inputs.append(env_frame.states.get_input())

    self._eval_input = keep_input
    eval_job_of_moto(self, env, job)
    self._eval_input = eval_input
    entry = {"Input": json.dumps(inputs[0]), "InputDetails": {"Included": True}, "Name": str(uuid.uuid4())}
    state = env.program_state()
    if isinstance(state, ProgramError):
        error = state.error or {}
        entry |= {"Status": "FAILED", "Error": error.get("error"), "Cause": error.get("cause")}
    else:
        entry |= {"Status": "SUCCEEDED", "Output": json.dumps(job.job_output), "OutputDetails": {"Included": True}}
    results.setdefault(map_run_id(self._map_run_record), []).append(entry)


def put_results(env, resource_runtime_part, state_credentials):
    parameters = env.stack.pop()
    env.stack.pop()
    # The latest map run is that of this state, because no states run in parallel.
    records = {map_run_id(record): record for record in env.map_run_record_pool_manager.get_all()}
    run = next(name for name in reversed(results) if name in records)
    s3 = boto_client.boto_client_for(service="s3", region=resource_runtime_part.region)
    folder = f"{parameters['Prefix'].rstrip('/')}/{run}"
    files = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}

    def put(name, content):
        body = json.dumps(content).encode()
        s3.put_object(Bucket=parameters["Bucket"], Key=f"{folder}/{name}", Body=body)
        return {"Key": f"{folder}/{name}", "Size": len(body)}

    for status in ("FAILED", "SUCCEEDED"):
        entries = [entry for entry in results[run] if entry["Status"] == status]
        if entries:
            files[status].append(put(f"{status}_0.json", entries))
    arn = records[run].map_run_arn
    manifest = put(
        "manifest.json", {"DestinationBucket": parameters["Bucket"], "MapRunArn": arn, "ResultFiles": files}
    )
    details = {"Bucket": parameters["Bucket"], "Key": manifest["Key"]}
    env.stack.append({"MapRunArn": arn, "ResultWriterDetails": details})


def pascal(value):
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: pascal(each) for name, each in value.items()}
    if isinstance(value, list):
        return [pascal(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def eval_sdk_call(self, env, resource_runtime_part, normalised_parameters, state_credentials):
    names = {name[:1].lower() + name[1:]: value for name, value in normalised_parameters.items()}
    eval_sdk_call_of_moto(self, env, resource_runtime_part, names, state_credentials)
    env.stack.append(pascal(env.stack.pop()))


def extend(lambda_endpoint):
    def client_for(service, region, state_credentials=None):
        import boto3
        from botocore.config import Config

        # A function may run longer than the default timeout, and a second attempt would run it twice.
        config = Config(read_timeout=900, retries={"max_attempts": 0})
        keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
        return boto3.client(service, region_name=region, endpoint_url=lambda_endpoint, config=config, **keys)

    lambda_eval_utils.boto_client_for = client_for


models.stepfunctions_backends = stepfunctions_parser_backends
eval_job_of_moto = DistributedItemProcessorWorker._eval_job
eval_sdk_call_of_moto = StateTaskServiceAwsSdk._eval_service_task
DistributedItemProcessorWorker._eval_job = eval_job
StateTaskServiceAwsSdk._eval_service_task = eval_sdk_call
StateTaskServiceAwsSdk._get_boto_service_name = lambda self, name=None: {"sfn": "stepfunctions"}.get(
    self.resource.api_name, self.resource.api_name
)
ResourceEvalS3._handle_put_object = staticmethod(put_results)
