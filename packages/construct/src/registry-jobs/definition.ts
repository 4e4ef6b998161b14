import { Aws } from 'aws-cdk-lib';

/** Placeholders of the definition. */
export type DefinitionVariable =
  | 'Bucket'
  | 'GeneratorFunction'
  | 'ListFunction'
  | 'MaxConcurrency'
  | 'MergeFunction'
  | 'PlanFunction'
  | 'ReportFunction';

/** Repositories that are listed at the same time. Amazon ECR allows 2,000 pages a second. */
const LISTS = 5;

/** Repositories whose garbage is collected at the same time. */
const COLLECTIONS = 5;

/**
 * Percentage of images whose invocation may crash before the run fails: the function times out, runs out of memory, or cannot
 * be invoked. Images that cannot be indexed are outcomes, and do not count.
 */
const TOLERATED_CRASHES = 5;

/** Errors of Lambda, not of the function. @see AWS Step Functions Developer Guide, "Handle transient Lambda service exceptions" */
const SERVICE_ERRORS = {
  ErrorEquals: [
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
  ],
  IntervalSeconds: 2,
  MaxAttempts: 6,
  BackoffRate: 2,
  JitterStrategy: 'FULL',
};

/** The concurrency of the account or of the function is used up. */
const THROTTLED = {
  ErrorEquals: ['Lambda.TooManyRequestsException'],
  IntervalSeconds: 5,
  MaxAttempts: 12,
  BackoffRate: 2,
  MaxDelaySeconds: 300,
  JitterStrategy: 'FULL',
};

/** The error of the functions that a retry may fix. All other failures are outcomes. */
const TRY_AGAIN = {
  ErrorEquals: ['FunctionError'],
  IntervalSeconds: 30,
  MaxAttempts: 4,
  BackoffRate: 2,
  JitterStrategy: 'FULL',
};

/** Invokes a function of this construct with the input of the state. Its response is the output. */
function invoke(name: string, payload: object, next: object): object {
  return {
    Type: 'Task',
    Resource: 'arn:<AWS::Partition>:states:::lambda:invoke',
    Parameters: { FunctionName: `<${name}>`, Payload: payload },
    OutputPath: '$.Payload',
    Retry: [THROTTLED, SERVICE_ERRORS],
    ...next,
  };
}

/** Writes the results of a Distributed Map below a prefix of the run. */
function writeResults(name: string): object {
  return {
    Resource: 'arn:<AWS::Partition>:states:::s3:putObject',
    Parameters: { Bucket: '<Bucket>', 'Prefix.$': `States.Format('runs/{}/${name}', $$.Execution.Name)` },
  };
}

/** Runs child executions for the items of a JSON array in the bucket, and writes their results to the bucket. */
function mapItems(keyPath: string, selector: object, child: object, next: object): object {
  return {
    Type: 'Map',
    ItemReader: {
      Resource: 'arn:<AWS::Partition>:states:::s3:getObject',
      ReaderConfig: { InputType: 'JSON' },
      Parameters: { Bucket: '<Bucket>', 'Key.$': keyPath },
    },
    ItemSelector: selector,
    ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, ...child },
    // moto parses only a number with a decimal point.
    ToleratedFailurePercentage: `${TOLERATED_CRASHES}.0`,
    ...next,
  };
}

/** Placeholder for the state that follows when all images are indexed. */
const AFTER_INDEX = '<AfterIndex>';

const STATES = {
  FindActiveRuns: {
    Type: 'Task',
    Resource: 'arn:<AWS::Partition>:states:::aws-sdk:sfn:listExecutions',
    Parameters: { 'StateMachineArn.$': '$$.StateMachine.Id', StatusFilter: 'RUNNING' },
    Next: 'DescribeGenerator',
  },
  DescribeGenerator: {
    Type: 'Task',
    Resource: 'arn:<AWS::Partition>:states:::lambda:invoke',
    Parameters: { FunctionName: '<GeneratorFunction>', Payload: { describe: 'settings' } },
    ResultPath: '$.generator',
    Retry: [THROTTLED, SERVICE_ERRORS],
    Next: 'Plan',
  },
  Plan: invoke(
    'PlanFunction',
    {
      'execution.$': '$$.Execution.Id',
      'started.$': '$$.Execution.StartTime',
      'input.$': '$$.Execution.Input',
      'active.$': '$.Executions[*].ExecutionArn',
      'generator.$': '$.generator.Payload',
    },
    { Next: 'List' },
  ),
  List: mapItems(
    '$.repositories.key',
    { 'run.$': '$.run', 'repository.$': '$$.Map.Item.Value' },
    {
      StartAt: 'ListRepository',
      States: {
        ListRepository: invoke(
          'ListFunction',
          { 'run.$': '$.run', 'repository.$': '$.repository' },
          { Retry: [THROTTLED, SERVICE_ERRORS, TRY_AGAIN], End: true },
        ),
      },
    },
    {
      MaxConcurrency: LISTS,
      ResultWriter: writeResults('lists'),
      ResultPath: '$.listed',
      Next: 'Merge',
    },
  ),
  Merge: invoke(
    'MergeFunction',
    { 'run.$': '$.run', 'repositories.$': '$.repositories' },
    { Next: 'IsAnythingToIndex' },
  ),
  IsAnythingToIndex: {
    Type: 'Choice',
    Choices: [{ Variable: '$.index.count', NumericGreaterThan: 0, Next: 'Index' }],
    Default: AFTER_INDEX,
  },
  Index: mapItems(
    '$.index.key',
    // The event that Amazon ECR sends for a push. @see Amazon ECR User Guide, "Events for a completed image push"
    {
      version: '0',
      'id.$': "States.Format('{}', $$.Map.Item.Index)",
      'detail-type': 'ECR Image Action',
      source: 'aws.ecr',
      account: '<AWS::AccountId>',
      region: '<AWS::Region>',
      'time.$': '$.run.time',
      resources: [],
      detail: {
        'action-type': 'PUSH',
        result: 'SUCCESS',
        'repository-name.$': '$$.Map.Item.Value.repository',
        'image-tag.$': '$$.Map.Item.Value.tag',
        'image-digest.$': '$$.Map.Item.Value.digest',
      },
    },
    {
      StartAt: 'IndexImage',
      States: {
        IndexImage: {
          Type: 'Task',
          Resource: 'arn:<AWS::Partition>:states:::lambda:invoke',
          Parameters: { FunctionName: '<GeneratorFunction>', 'Payload.$': '$' },
          OutputPath: '$.Payload',
          Retry: [THROTTLED, SERVICE_ERRORS, TRY_AGAIN],
          Catch: [{ ErrorEquals: ['FunctionError'], ResultPath: '$.error', Next: 'Failed' }],
          End: true,
        },
        Failed: {
          Type: 'Pass',
          Parameters: { outcome: 'failed', reason: 'try-again', 'message.$': '$.error.Cause' },
          End: true,
        },
      },
    },
    {
      MaxConcurrency: '<MaxConcurrency>',
      ResultWriter: writeResults('results'),
      ResultPath: '$.indexed',
      Next: AFTER_INDEX,
    },
  ),
  Report: invoke(
    'ReportFunction',
    { 'run.$': '$.run', 'repositories.$': '$.repositories', 'summary.$': '$.summary' },
    { End: true },
  ),
};

/** The step that finds and deletes garbage. */
const COLLECT_STATES = {
  IsGarbageCollected: {
    Type: 'Choice',
    Choices: [{ Variable: '$.run.garbage', StringEquals: 'off', Next: 'Report' }],
    Default: 'Collect',
  },
  Collect: mapItems(
    '$.repositories.key',
    { 'run.$': '$.run', 'repository.$': '$$.Map.Item.Value' },
    {
      StartAt: 'CollectRepository',
      States: {
        CollectRepository: invoke(
          'CollectFunction',
          { 'run.$': '$.run', 'repository.$': '$.repository' },
          { Retry: [THROTTLED, SERVICE_ERRORS, TRY_AGAIN], Next: 'IsUnfinished' },
        ),
        // A large repository takes several invocations.
        IsUnfinished: {
          Type: 'Choice',
          Choices: [{ Variable: '$.isUnfinished', BooleanEquals: true, Next: 'CollectRepository' }],
          Default: 'Collected',
        },
        Collected: { Type: 'Succeed' },
      },
    },
    {
      MaxConcurrency: COLLECTIONS,
      // What was deleted must be reported.
      ToleratedFailurePercentage: '100.0',
      ResultWriter: writeResults('collected/results'),
      ResultPath: '$.collected',
      Next: 'Report',
    },
  ),
};

/** Returns the state machine in the Amazon States Language. Placeholders of numbers have no quotes. */
function formatDefinition(collectsGarbage: boolean): string {
  const definition = {
    Comment: 'Indexes the images of a registry that have no current SOCI index.',
    StartAt: 'FindActiveRuns',
    States: { ...STATES, ...(collectsGarbage && COLLECT_STATES) },
  };
  return JSON.stringify(definition)
    .replaceAll(AFTER_INDEX, collectsGarbage ? 'IsGarbageCollected' : 'Report')
    .replaceAll(/"(<MaxConcurrency>|\d+\.0)"/g, '$1');
}

/**
 * Returns the definition of the state machine. With a `CollectFunction`, it finds and deletes garbage.
 *
 * @param variables - Values, which can be tokens.
 */
export function defineStateMachine(
  variables: Readonly<Record<DefinitionVariable, string>> & {
    readonly CollectFunction?: string | undefined;
  },
): string {
  // Not with `Fn::Sub`: moto, in which the state machine is tested, turns `$$` into `$` there.
  const values: Readonly<Record<string, string | undefined>> = {
    ...variables,
    'AWS::Partition': Aws.PARTITION,
    'AWS::AccountId': Aws.ACCOUNT_ID,
    'AWS::Region': Aws.REGION,
  };
  return formatDefinition(variables.CollectFunction !== undefined).replaceAll(
    /<([\w:]+)>/g,
    (placeholder, name: string) => values[name] ?? placeholder,
  );
}
