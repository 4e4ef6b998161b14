// Creates a repository whose images are indexed automatically, and a topic that is notified when indexing fails.
import { SociIndexBuilder } from '@soci/construct';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Repository, TagMutability } from 'aws-cdk-lib/aws-ecr';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';

const app = new App();
const stack = new Stack(app, 'SociExample');

const repository = new Repository(stack, 'Images', { imageTagMutability: TagMutability.IMMUTABLE });

const builder = new SociIndexBuilder(stack, 'Soci', {
  repositories: [repository],
  logRetention: RetentionDays.ONE_MONTH,
  deadLetterQueueEnabled: true,
  alarmTopic: new Topic(stack, 'Alarms'),
});

new CfnOutput(stack, 'PushTo', { value: repository.repositoryUri });
new CfnOutput(stack, 'Log', { value: builder.generatorFunction.logGroup.logGroupName });

app.synth();
