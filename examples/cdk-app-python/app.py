"""Creates a repository whose images are indexed automatically, and a topic that is notified when indexing fails."""

from aws_cdk import App, CfnOutput, Stack
from aws_cdk.aws_ecr import Repository, TagMutability
from aws_cdk.aws_logs import RetentionDays
from aws_cdk.aws_sns import Topic
from soci_construct import SociIndexBuilder

app = App()
stack = Stack(app, "SociExample")

repository = Repository(stack, "Images", image_tag_mutability=TagMutability.IMMUTABLE)

builder = SociIndexBuilder(
    stack,
    "Soci",
    repositories=[repository],
    log_retention=RetentionDays.ONE_MONTH,
    dead_letter_queue_enabled=True,
    alarm_topic=Topic(stack, "Alarms"),
)

CfnOutput(stack, "PushTo", value=repository.repository_uri)
CfnOutput(stack, "Log", value=builder.generator_function.log_group.log_group_name)

app.synth()
