import type { Policy } from '../iam/policy.ts';
import type { AwsCalls } from './aws-calls.ts';
import type { DeployedStack } from './stack.ts';

/** A function in Lambda. */
export interface DeployedFunction {
  readonly FunctionName: string;
  readonly FunctionArn: string;
  readonly Runtime: string;
  readonly Handler: string;
  readonly MemorySize: number;
  readonly Timeout: number;
  readonly CodeSha256: string;
  readonly Role: string;
  readonly Environment?: { readonly Variables: Readonly<Record<string, string>> };
}

/** A role in IAM. */
interface DeployedRole {
  readonly RoleName: string;
  readonly PermissionsBoundary?: { readonly PermissionsBoundaryArn: string };
}

/** A rule in EventBridge. */
export interface DeployedRule {
  readonly Name: string;
  readonly Arn: string;
  readonly State: string;
  readonly EventPattern: string;
}

/** Returns a function of a stack by its logical id. */
export async function getFunction(aws: AwsCalls, stack: DeployedStack, id: string): Promise<DeployedFunction> {
  const name = await physicalId(stack, id);
  const answer = JSON.parse((await aws.get('lambda', `/2015-03-31/functions/${name}`)).toString());
  return (answer as { Configuration: DeployedFunction }).Configuration;
}

/** Returns the resource policy of a function. */
export async function getFunctionPolicy(aws: AwsCalls, name: string): Promise<object> {
  const answer = JSON.parse((await aws.get('lambda', `/2015-03-31/functions/${name}/policy`)).toString());
  return JSON.parse((answer as { Policy: string }).Policy);
}

/** Returns a role of a stack by its logical id. */
export async function getRole(aws: AwsCalls, stack: DeployedStack, id: string): Promise<DeployedRole> {
  const input = { RoleName: await physicalId(stack, id) };
  return (await aws.query<{ Role: DeployedRole }>('iam', 'GetRole', input)).Role;
}

/** Returns all inline policies of the role of a function. */
export async function getRolePolicies(aws: AwsCalls, { Role }: Pick<DeployedFunction, 'Role'>): Promise<Policy[]> {
  const RoleName = Role.slice(Role.lastIndexOf('/') + 1);
  const { PolicyNames } = await aws.query<{ PolicyNames: string[] }>('iam', 'ListRolePolicies', { RoleName });
  return Promise.all(
    PolicyNames.map(async (PolicyName) => {
      const input = { RoleName, PolicyName };
      const { PolicyDocument } = await aws.query<{ PolicyDocument: string }>('iam', 'GetRolePolicy', input);
      return JSON.parse(decodeURIComponent(PolicyDocument)) as Policy;
    }),
  );
}

/** Lists all rules. */
export async function listRules(aws: AwsCalls): Promise<DeployedRule[]> {
  return (await aws.json<{ Rules: DeployedRule[] }>('events', 'AWSEvents.ListRules', {})).Rules;
}

/** Lists the targets of a rule. */
export async function listTargets(aws: AwsCalls, rule: string): Promise<string[]> {
  const input = { Rule: rule };
  const answer = await aws.json<{ Targets: { Arn: string }[] }>('events', 'AWSEvents.ListTargetsByRule', input);
  return answer.Targets.map(({ Arn }) => Arn);
}

/** Lists the names of all functions and roles. */
export async function listNames(aws: AwsCalls): Promise<string[]> {
  const functions = JSON.parse((await aws.get('lambda', '/2015-03-31/functions/')).toString());
  const { Roles } = await aws.query<{ Roles: DeployedRole[] }>('iam', 'ListRoles', {});
  return [
    ...(functions as { Functions: DeployedFunction[] }).Functions.map(({ FunctionName }) => FunctionName),
    ...Roles.map(({ RoleName }) => RoleName),
  ];
}

async function physicalId(stack: DeployedStack, id: string): Promise<string> {
  const resource = (await stack.resources()).get(id);
  if (resource === undefined) throw new Error(`${stack.name} has no resource ${id}`);
  return resource.PhysicalResourceId;
}
