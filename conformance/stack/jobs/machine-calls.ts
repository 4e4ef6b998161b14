import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import type { Call } from '../iam/policy.ts';

/** The parts of a definition that need permissions. @see Amazon States Language */
interface Definition {
  readonly States: Readonly<Record<string, State>>;
}

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Parameters?: { readonly FunctionName?: string };
  readonly ItemReader?: { readonly Parameters: { readonly Bucket: string } };
  readonly ItemProcessor?: Definition;
  readonly ResultWriter?: { readonly Parameters: { readonly Bucket: string } };
}

/** States that only choose or pass data on. */
const WITHOUT_CALLS = ['Choice', 'Fail', 'Pass', 'Succeed'];

/**
 * Returns the calls that Step Functions makes with the role of a state machine, from its definition.
 *
 * @throws Error if a state needs permissions that this function does not know.
 * @see AWS Step Functions Developer Guide, "IAM policies for using Distributed Map states", "Call AWS Lambda with Step Functions"
 */
export function callsOfMachine({ States }: Definition, machineArn: string): Call[] {
  return Object.entries(States).flatMap(([name, state]) => {
    if (WITHOUT_CALLS.includes(state.Type)) return [];
    if (state.Type === 'Map') return callsOfMap(name, state, machineArn);
    const resource = state.Resource?.split(':::').at(-1);
    if (resource === 'lambda:invoke' && state.Parameters?.FunctionName !== undefined) {
      return [{ action: 'lambda:InvokeFunction', resource: state.Parameters.FunctionName }];
    }
    if (resource === 'aws-sdk:sfn:listExecutions') return [{ action: 'states:ListExecutions', resource: machineArn }];
    throw new Error(`the state ${name} needs unknown permissions: ${state.Type} ${state.Resource}`);
  });
}

function callsOfMap(name: string, { ItemReader, ItemProcessor, ResultWriter }: State, machineArn: string): Call[] {
  if (ItemReader === undefined || ItemProcessor === undefined || ResultWriter === undefined) {
    throw new Error(`the state ${name} is not a Distributed Map with a reader and a writer`);
  }
  const machine = machineArn.split(':').at(-1);
  const executions = `arn:aws:states:${REGION}:${ACCOUNT}:execution:${machine}`;
  const [run, child] = [`${executions}:run`, `${executions}/${name}:0123`];
  const object = (bucket: string, key: string) => `arn:aws:s3:::${bucket}/runs/run/${key}`;
  const results = object(ResultWriter.Parameters.Bucket, 'results/0123/SUCCEEDED_0.json');
  return [
    { action: 'states:StartExecution', resource: machineArn },
    ...['states:DescribeExecution', 'states:StopExecution'].flatMap((action) =>
      [run, child].map((resource) => ({ action, resource })),
    ),
    { action: 'states:RedriveExecution', resource: child },
    { action: 's3:GetObject', resource: object(ItemReader.Parameters.Bucket, 'images.json') },
    ...['s3:PutObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'].map((action) => ({
      action,
      resource: results,
    })),
    ...callsOfMachine(ItemProcessor, machineArn),
  ];
}
