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

/** CDK feature flag that makes log groups of functions part of the stack. `cdk init` sets it. */
const MANAGED_LOG_GROUPS = '@aws-cdk/aws-lambda:useCdkManagedLogGroup';

/** The oldest supported aws-cdk-lib has no constant for this runtime. */
const RUNTIME = new Runtime('nodejs24.x', RuntimeFamily.NODEJS, { supportsInlineCode: true });

/** Key permissions that the sender of an Amazon SQS message needs. @see Amazon SQS Developer Guide, "Key management" */
export const SEND_KEY_ACTIONS = ['kms:Decrypt', 'kms:GenerateDataKey'];

/** Properties that differ between the functions. */
type WorkflowFunctionProps = Omit<FunctionProps, 'runtime' | 'handler'> & Partial<Pick<FunctionProps, 'handler'>>;

/**
 * Creates a function and a role that may only write to the function's log. The construct ids start with `name` and are the
 * logical ids of AWS's SOCI Index Builder.
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
 * Creates a log group in the stack. Returns undefined if Lambda creates it instead. CloudFormation generates the name, because
 * Lambda may already have created a log group with the name of the function.
 */
function createLogGroup(scope: Construct, id: string, retention: RetentionDays | undefined): LogGroup | undefined {
  if (retention !== undefined) return new LogGroup(scope, id, { retention, removalPolicy: RemovalPolicy.DESTROY });
  return FeatureFlags.of(scope).isEnabled(MANAGED_LOG_GROUPS) ? new LogGroup(scope, id) : undefined;
}

/** Allows a function to write its log. A policy of the role itself would have to exist before the function that it names. */
function allowLogs(scope: Construct, name: string, created: LambdaFunction, logGroup: LogGroup | undefined): void {
  const createdByLambda = Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: `/aws/lambda/${created.functionName}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const actions = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  if (logGroup === undefined) actions.unshift('logs:CreateLogGroup');
  addPolicy(scope, `${name}CloudwatchPolicy`, created, [
    new PolicyStatement({ effect: Effect.ALLOW, actions, resources: [logGroup?.logGroupArn ?? createdByLambda] }),
  ]);
}

/** Attaches a separate policy to a function's role. It can refer to resources that are created after the role. */
export function addPolicy(
  scope: Construct,
  id: string,
  { role }: LambdaFunction,
  statements: PolicyStatement[],
): Policy {
  return new Policy(scope, id, { roles: [role as Role], statements });
}

/** Returns the name of a builder in metrics, unique in a Region: the stack name and the path of the construct in it. */
export function serviceName(scope: Construct): string {
  const path = scope.node.scopes.slice(Stack.of(scope).node.scopes.length).map(({ node }) => node.id);
  return [Aws.STACK_NAME, ...path].join('/');
}
