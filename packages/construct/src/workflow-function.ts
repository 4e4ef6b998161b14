import { ArnFormat, Aws, FeatureFlags, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Effect, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type FunctionProps,
  Function as LambdaFunction,
  Runtime,
  RuntimeFamily,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { SociIndexBuilderProps } from './soci-index-builder-props';

/** Flag of the CDK by which the log groups of functions belong to the stack; `cdk init` sets it. */
const MANAGED_LOG_GROUPS = '@aws-cdk/aws-lambda:useCdkManagedLogGroup';

/** Newer than the oldest aws-cdk-lib that this works with knows. */
const RUNTIME = new Runtime('nodejs24.x', RuntimeFamily.NODEJS, { supportsInlineCode: true });

/** What Amazon SQS does with a key, in the name of whoever sends a message. @see Amazon SQS Developer Guide, "Key management" */
export const SEND_KEY_ACTIONS = ['kms:Decrypt', 'kms:GenerateDataKey'];

/** What a function of the workflow has of its own. */
type WorkflowFunctionProps = Omit<FunctionProps, 'runtime' | 'handler'> & Partial<Pick<FunctionProps, 'handler'>>;

/**
 * Makes a function with a role of its own, which may write to its log and nothing else. The construct ids are the names that
 * AWS's SOCI Index Builder has for them: `name`, and what begins with it.
 */
export function createFunction(
  scope: Construct,
  name: string,
  common: SociIndexBuilderProps,
  props: WorkflowFunctionProps,
): LambdaFunction {
  const { architecture = Architecture.X86_64, permissionsBoundary, encryptionKey, logRetention, tracing } = common;
  const assumedBy = new ServicePrincipal('lambda.amazonaws.com');
  const role = new Role(scope, `${name}Role`, { assumedBy, permissionsBoundary });
  encryptionKey?.grantDecrypt(role);
  props.deadLetterQueue?.encryptionMasterKey?.grant(role, ...SEND_KEY_ACTIONS);
  const logGroup = createLogGroup(scope, `${name}LogGroup`, logRetention);
  const created = new LambdaFunction(scope, name, {
    runtime: RUNTIME,
    architecture,
    handler: 'index.handler',
    role,
    environmentEncryption: encryptionKey,
    tracing,
    logGroup,
    ...props,
  });
  allowLogs(scope, name, created, logGroup);
  return created;
}

/**
 * Makes a log group that belongs to the stack; undefined where Lambda is to make it. Its name is made up: one that Lambda has made
 * before has the function's.
 */
function createLogGroup(scope: Construct, id: string, retention: RetentionDays | undefined): LogGroup | undefined {
  if (retention !== undefined) return new LogGroup(scope, id, { retention, removalPolicy: RemovalPolicy.DESTROY });
  return FeatureFlags.of(scope).isEnabled(MANAGED_LOG_GROUPS) ? new LogGroup(scope, id) : undefined;
}

/** In a policy beside the role: one of the role's own would have to be there before the function that it names. */
function allowLogs(scope: Construct, name: string, created: LambdaFunction, logGroup: LogGroup | undefined): void {
  const made = Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: `/aws/lambda/${created.functionName}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const actions = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  if (logGroup === undefined) actions.unshift('logs:CreateLogGroup');
  allow(scope, `${name}CloudwatchPolicy`, created, [
    new PolicyStatement({ effect: Effect.ALLOW, actions, resources: [logGroup?.logGroupArn ?? made] }),
  ]);
}

/** Allows a function something in a policy beside its role: one that may name what is made after the role. */
export function allow(scope: Construct, id: string, { role }: LambdaFunction, statements: PolicyStatement[]): Policy {
  return new Policy(scope, id, { roles: [role as Role], statements });
}

/** What tells the builders of an account apart in metrics: the stack, and the path of the construct in it. */
export function serviceName(scope: Construct): string {
  const path = scope.node.scopes.slice(Stack.of(scope).node.scopes.length).map(({ node }) => node.id);
  return [Aws.STACK_NAME, ...path].join('/');
}
