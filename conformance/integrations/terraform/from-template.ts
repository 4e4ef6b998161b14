import { parseFilters, repositoryPatterns } from '@soci/filter';
import { evaluateTemplate, type Template } from '../../../apps/stack/src/fixtures/evaluate-template.ts';

/** Arguments of a resource of the module. All scalars are text. */
export type Arguments = Readonly<Record<string, unknown>>;

type Node = Readonly<Record<string, unknown>>;

/** Name of the stack, and value of the variable `name`. */
const NAME = 'soci';
const ACCOUNT = '123456789012';
const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::AccountId': ACCOUNT,
  'AWS::StackName': NAME,
};

/** Addresses in the module by logical id, or by its start before the hash of the CDK. */
const ADDRESSES: Readonly<Record<string, string>> = {
  ECRImageActionEventBridgeRule: 'aws_cloudwatch_event_rule.push',
  ECRImageActionEventFilteringLambda: 'aws_lambda_function.filter',
  ECRImageActionEventFilteringLambdaRole: 'aws_iam_role.this["filter"]',
  SociIndexGeneratorLambda: 'aws_lambda_function.generator',
  SociIndexGeneratorLambdaRole: 'aws_iam_role.this["generator"]',
  SociIndexBuilderECRImageActionEventFilteringLambdaLogGroup: 'aws_cloudwatch_log_group.this["filter"]',
  SociIndexBuilderSociIndexGeneratorLambdaLogGroup: 'aws_cloudwatch_log_group.this["generator"]',
  SociIndexBuilderDeadLetterQueue: 'aws_sqs_queue.dead_letter[0]',
  SociIndexBuilderDeadLetterQueuePolicy: 'aws_sqs_queue_policy.this["dead_letter"]',
  SociIndexBuilderWorkDeadLetterQueue: 'aws_sqs_queue.work_dead_letter[0]',
  SociIndexBuilderWorkDeadLetterQueuePolicy: 'aws_sqs_queue_policy.this["work_dead_letter"]',
  SociIndexBuilderWorkQueue: 'aws_sqs_queue.work[0]',
  SociIndexBuilderWorkQueuePolicy: 'aws_sqs_queue_policy.this["work"]',
  SociIndexBuilderWorkQueueMapping: 'aws_lambda_event_source_mapping.work[0]',
  SociIndexBuilderFailedAlarm: 'aws_cloudwatch_metric_alarm.this["FailedAlarm"]',
  SociIndexBuilderDeadLetterAlarm: 'aws_cloudwatch_metric_alarm.this["DeadLetterAlarm"]',
  SociIndexBuilderQueueAgeAlarm: 'aws_cloudwatch_metric_alarm.this["QueueAgeAlarm"]',
  SociIndexBuilderQueueDeadLetterAlarm: 'aws_cloudwatch_metric_alarm.this["QueueDeadLetterAlarm"]',
};

/** What the module needs no counterpart of: Terraform itself extracts the repository names from the filters. */
const NAME_PARSING = /RepositoryNameParsingLambda/;

/**
 * Returns the resources that the module must have for values of parameters: those of the template, without the function
 * that extracts repository names, and with the arguments of the AWS provider.
 */
export function fromTemplate(template: Template, parameters: Readonly<Record<string, string>>): Map<string, Arguments> {
  // A condition compares the Region with a parameter.
  const text = JSON.stringify(template).replaceAll(
    '{"Ref":"AWS::Region"}',
    JSON.stringify(PSEUDO_PARAMETERS['AWS::Region']),
  );
  const resources = Object.entries(evaluateTemplate(JSON.parse(text) as Template, parameters)).filter(
    ([id]) => !NAME_PARSING.test(id),
  );
  const repositories = repositoryArns(parameters);
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const node = value as Node;
    if (typeof node.Ref === 'string') return PSEUDO_PARAMETERS[node.Ref] ?? reference(node.Ref);
    if (node['Fn::GetAtt'] !== undefined) {
      const [id = '', attribute = ''] = node['Fn::GetAtt'] as string[];
      return attribute === 'repository_arns' ? repositories : reference(id, attribute);
    }
    if (node['Fn::Join'] !== undefined) {
      const [separator, items] = node['Fn::Join'] as [string, unknown[]];
      return items.map(resolve).join(separator);
    }
    return Object.fromEntries(Object.entries(node).map(([key, each]) => [key, resolve(each)]));
  };
  const made = new Map<string, Arguments>();
  const statements = new Map<string, unknown[]>();
  const allow = (role: string, more: readonly unknown[]) => {
    statements.set(role, [...(statements.get(role) ?? []), ...more]);
  };
  for (const [id, { Type, Properties = {} }] of resources) {
    const properties = resolve(Properties) as Properties;
    if (Type === 'AWS::IAM::Policy') {
      const [role] = properties.Roles as string[];
      allow(role ?? '', (properties.PolicyDocument as PolicyDocument).Statement);
      continue;
    }
    if (Type === 'AWS::IAM::Role') {
      const inline = (properties.Policies ?? []) as { PolicyDocument: PolicyDocument }[];
      allow(
        reference(id),
        inline.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
      );
    }
    const convert = CONVERTERS[Type];
    if (convert === undefined) throw new Error(`${id}: no counterpart of ${Type}`);
    for (const [address, args] of convert(properties, addressOf(id))) made.set(address, defined(args));
  }
  for (const [role, list] of statements) {
    const key = role.includes('filter') ? 'filter' : 'generator';
    made.set(`aws_iam_role_policy.${key}`, { role, policy: { Version: '2012-10-17', Statement: sorted(list) } });
  }
  return made;
}

type Properties = Readonly<Record<string, unknown>>;
type Converter = (properties: Properties, address: string) => [address: string, Arguments][];

const CONVERTERS: Readonly<Record<string, Converter>> = {
  'AWS::Lambda::Function': (p, address) => {
    const code = p.Code as Properties;
    return [
      [
        address,
        {
          description: p.Description,
          role: p.Role,
          runtime: p.Runtime,
          handler: p.Handler,
          architectures: p.Architectures,
          memory_size: p.MemorySize,
          timeout: p.Timeout,
          s3_bucket: code.S3Bucket,
          s3_key: code.S3Key,
          kms_key_arn: p.KmsKeyArn,
          reserved_concurrent_executions:
            p.ReservedConcurrentExecutions ?? (address.endsWith('generator') ? '-1' : undefined),
          environment: [{ variables: (p.Environment as Properties).Variables }],
          dead_letter_config: block(p.DeadLetterConfig, ({ TargetArn }) => ({ target_arn: TargetArn })),
          // Blocks with the defaults of AWS Lambda: its own log group, and no network.
          logging_config: [
            {
              log_format: 'Text',
              log_group: (p.LoggingConfig as Properties)?.LogGroup ?? `/aws/lambda/${NAME}-${idOf(address)}`,
            },
          ],
          vpc_config: address.endsWith('generator') ? [networkOf(p.VpcConfig as Properties | undefined)] : undefined,
        },
      ],
    ];
  },
  'AWS::IAM::Role': (p, address) => [
    [address, { assume_role_policy: p.AssumeRolePolicyDocument, permissions_boundary: p.PermissionsBoundary }],
  ],
  'AWS::Logs::LogGroup': (p, address) => [[address, { retention_in_days: p.RetentionInDays }]],
  'AWS::SQS::Queue': (p, address) => [
    [
      address,
      {
        message_retention_seconds: p.MessageRetentionPeriod,
        visibility_timeout_seconds: p.VisibilityTimeout,
        kms_master_key_id: p.KmsMasterKeyId,
        sqs_managed_sse_enabled: p.SqsManagedSseEnabled,
        redrive_policy: p.RedrivePolicy,
      },
    ],
  ],
  'AWS::SQS::QueuePolicy': (p, address) => [
    [address, { queue_url: (p.Queues as unknown[])[0], policy: withoutSids(p.PolicyDocument as PolicyDocument) }],
  ],
  'AWS::Lambda::EventSourceMapping': (p, address) => [
    [
      address,
      {
        batch_size: p.BatchSize,
        event_source_arn: p.EventSourceArn,
        function_name: p.FunctionName,
        scaling_config: [{ maximum_concurrency: (p.ScalingConfig as Properties).MaximumConcurrency }],
      },
    ],
  ],
  'AWS::Events::Rule': (p, address) => {
    const [target] = p.Targets as Properties[];
    return [
      [address, { description: p.Description, event_pattern: p.EventPattern }],
      [
        'aws_cloudwatch_event_target.filter',
        {
          rule: reference('ECRImageActionEventBridgeRule'),
          arn: target?.Arn,
          dead_letter_config: block(target?.DeadLetterConfig, ({ Arn }) => ({ arn: Arn })),
        },
      ],
    ];
  },
  'AWS::Lambda::Permission': (p) => [
    [
      'aws_lambda_permission.rule',
      { action: p.Action, function_name: p.FunctionName, principal: p.Principal, source_arn: p.SourceArn },
    ],
  ],
  'AWS::CloudWatch::Alarm': (p, address) => [
    [
      address,
      {
        alarm_description: p.AlarmDescription,
        alarm_actions: p.AlarmActions,
        namespace: p.Namespace,
        metric_name: p.MetricName,
        dimensions: Object.fromEntries((p.Dimensions as Properties[]).map(({ Name, Value }) => [Name, Value])),
        statistic: p.Statistic,
        period: p.Period,
        evaluation_periods: p.EvaluationPeriods,
        threshold: p.Threshold,
        comparison_operator: p.ComparisonOperator,
        treat_missing_data: p.TreatMissingData,
      },
    ],
  ],
};

interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly Properties[];
}

/** Returns what an attribute of a resource becomes in the module. Names of functions are known there. */
function reference(id: string, attribute = 'Ref'): string {
  const address = addressOf(id);
  if (address.startsWith('aws_lambda_function') && attribute === 'Ref') return `${NAME}-${id}`;
  if (address.startsWith('aws_cloudwatch_log_group') && attribute === 'Arn') return `\${${address}.arn}:*`;
  const name = attribute === 'Arn' ? 'arn' : address.startsWith('aws_sqs') && attribute === 'Ref' ? 'url' : 'name';
  return `\${${address}.${name}}`;
}

function addressOf(id: string): string {
  const address = ADDRESSES[id] ?? ADDRESSES[id.replace(/[0-9A-F]{8}$/, '')];
  return address ?? id;
}

function idOf(address: string): string | undefined {
  return Object.keys(ADDRESSES).find((id) => ADDRESSES[id] === address);
}

function networkOf({ SubnetIds = [], SecurityGroupIds = [] }: Properties = {}): Arguments {
  return { subnet_ids: SubnetIds, security_group_ids: SecurityGroupIds };
}

/** Returns the ARNs that the name parsing function returns. */
function repositoryArns(parameters: Readonly<Record<string, string>>): string[] {
  const members = parameters.MemberAccounts?.split(',') ?? [];
  const patterns = repositoryPatterns(parseFilters(parameters.SociRepositoryImageTagFilters ?? '*:*'));
  return [ACCOUNT, ...members].flatMap((account) =>
    patterns.map((pattern) => `arn:aws:ecr:us-east-1:${account}:repository/${pattern}`),
  );
}

/** Returns a block that exists if the property exists. */
function block(property: unknown, convert: (properties: Properties) => Arguments): Arguments[] | undefined {
  return property === undefined ? undefined : [convert(property as Properties)];
}

function withoutSids({ Version, Statement }: PolicyDocument): PolicyDocument {
  return { Version, Statement: sorted(Statement.map(({ Sid, ...statement }) => statement)) };
}

/** Sorts statements, whose order has no meaning. */
export function sorted<T>(statements: readonly T[]): T[] {
  return [...statements].sort((one, other) => (canonical(one) < canonical(other) ? -1 : 1));
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, each]) => `${key}:${canonical(each)}`).join()}}`;
}

function defined(args: Arguments): Arguments {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}
