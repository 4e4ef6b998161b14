import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import { CODE_KEYS, PREFIX } from '../aws/code-bucket.ts';
import type { Call } from '../iam/policy.ts';
import type { Resource, Template } from '../templates/templates.ts';

/** Names of resources if `ResourceNames` is `fixed`. */
const FIXED: Readonly<Record<string, string>> = {
  ECRImageActionEventBridgeRule: 'ECRImageActionEventBridgeRule',
  RepositoryNameParsingLambda: 'RepositoryNameParsingLambda',
};

/** Maximum length of the name of a function, a role and a rule. */
const MAX_LENGTH = 64;

/** Random suffix of a generated name. */
const RANDOM = '1A2B3C4D5E6F7';

/**
 * Returns the name of a resource. CloudFormation generates `STACK-LOGICALID-RANDOM` and truncates the logical id if the
 * name is too long. According to the guide, this happens with stack names of 12, 16, 19 and 22 characters or more. Much
 * longer stack names are said to be truncated too. Not tested on a live account.
 */
export function physicalName(id: string, stack: string, names: 'fixed' | 'generated'): string {
  const fixed = names === 'fixed' ? FIXED[id] : undefined;
  const room = MAX_LENGTH - stack.length - RANDOM.length - 2;
  return fixed ?? `${stack}-${id.slice(0, room)}-${RANDOM}`;
}

/** An operation on a stack. */
export type Operation = 'create' | 'delete' | 'update';

/** How a stack is deployed. */
export interface Deployment {
  readonly stack: string;
  readonly names: 'fixed' | 'generated';
  readonly bucket: string;
}

/** CloudFormation actions on the resource itself, by operation. */
type Actions = Readonly<Record<Operation, readonly string[]>>;

/**
 * Calls of CloudFormation with the deployer's permissions. The resource type schemas list them for each handler,
 * including `read`. This table has those that the properties of the template can cause, with tags of the stack, and
 * updates of the boundary and the code.
 *
 * @see CloudFormation User Guide, "Resource type schema", `handlers`; the schemas of the types, by DescribeType
 */
const ACTIONS: Readonly<Record<string, Actions>> = {
  'AWS::Events::Rule': {
    create: [
      'events:DescribeRule',
      'events:ListTargetsByRule',
      'events:PutRule',
      'events:PutTargets',
      'events:TagResource',
    ],
    update: [
      'events:DescribeRule',
      'events:ListTargetsByRule',
      'events:PutRule',
      'events:PutTargets',
      'events:RemoveTargets',
      'events:ListTagsForResource',
      'events:TagResource',
      'events:UntagResource',
    ],
    delete: ['events:DescribeRule', 'events:ListTargetsByRule', 'events:RemoveTargets', 'events:DeleteRule'],
  },
  'AWS::IAM::Role': {
    create: ['iam:CreateRole', 'iam:GetRole', 'iam:ListAttachedRolePolicies', 'iam:ListRolePolicies', 'iam:TagRole'],
    update: [
      'iam:GetRole',
      'iam:ListAttachedRolePolicies',
      'iam:ListRolePolicies',
      'iam:PutRolePermissionsBoundary',
      'iam:DeleteRolePermissionsBoundary',
      'iam:TagRole',
      'iam:UntagRole',
    ],
    delete: ['iam:GetRole', 'iam:ListAttachedRolePolicies', 'iam:ListRolePolicies', 'iam:DeleteRole'],
  },
  'AWS::IAM::Policy': {
    create: ['iam:PutRolePolicy', 'iam:GetRolePolicy'],
    update: ['iam:PutRolePolicy', 'iam:GetRolePolicy', 'iam:DeleteRolePolicy'],
    delete: ['iam:DeleteRolePolicy'],
  },
  'AWS::Lambda::Function': {
    create: [
      'lambda:CreateFunction',
      'lambda:GetFunction',
      'lambda:GetFunctionCodeSigningConfig',
      'lambda:GetRuntimeManagementConfig',
      'lambda:TagResource',
    ],
    update: [
      'lambda:GetFunction',
      'lambda:GetFunctionCodeSigningConfig',
      'lambda:GetRuntimeManagementConfig',
      'lambda:UpdateFunctionCode',
      'lambda:UpdateFunctionConfiguration',
      'lambda:ListTags',
      'lambda:TagResource',
      'lambda:UntagResource',
    ],
    delete: ['lambda:DeleteFunction', 'lambda:GetFunction'],
  },
  'AWS::Lambda::Permission': {
    create: ['lambda:AddPermission', 'lambda:GetPolicy'],
    // Changing it replaces it.
    update: ['lambda:AddPermission', 'lambda:GetPolicy', 'lambda:RemovePermission'],
    delete: ['lambda:RemovePermission'],
  },
  'Custom::SociRepositoryNames': {
    create: ['lambda:InvokeFunction'],
    update: ['lambda:InvokeFunction'],
    delete: ['lambda:InvokeFunction'],
  },
};

/**
 * Returns all calls of CloudFormation for the resources of a template with default parameters, which are those without a
 * condition.
 *
 * @throws Error if a resource type is unknown.
 */
export function deploymentCalls(template: Template, operation: Operation, deployment: Deployment): Call[] {
  const created = Object.entries(template.Resources).filter(([, { Condition }]) => Condition === undefined);
  return created.flatMap(([id, resource]) => {
    const actions = ACTIONS[resource.Type];
    if (actions === undefined) throw new Error(`${id} is of type ${resource.Type}, which is not supported`);
    const target = arnOf(template, id, resource, deployment);
    return [
      ...actions[operation].map((action) => ({ action, resource: target })),
      ...callsBeside(template, id, resource, operation, deployment),
    ];
  });
}

/**
 * Returns the resources that a function needs: its role, which is passed to Lambda, and its code, unless it is inline.
 */
function callsBeside(
  template: Template,
  id: string,
  { Type, Properties = {} }: Resource,
  operation: Operation,
  deployment: Deployment,
): Call[] {
  if (Type !== 'AWS::Lambda::Function' || operation === 'delete') return [];
  const key = CODE_KEYS[id];
  const role = nameIn(Properties.Role);
  return [
    { action: 'iam:PassRole', resource: arnOf(template, role, template.Resources[role], deployment) },
    ...(key ? [{ action: 's3:GetObject', resource: `arn:aws:s3:::${deployment.bucket}/${PREFIX}${key}` }] : []),
  ];
}

/** Returns the ARN that a call acts on. For a part of another resource, this is the ARN of that resource. */
function arnOf(template: Template, id: string, resource: Resource | undefined, deployment: Deployment): string {
  const { Properties = {}, Type } = resource ?? {};
  const name = physicalName(id, deployment.stack, deployment.names);
  const through = (reference: unknown) => {
    const owner = nameIn(reference);
    return arnOf(template, owner, template.Resources[owner], deployment);
  };
  switch (Type) {
    case 'AWS::Events::Rule':
      return `arn:aws:events:${REGION}:${ACCOUNT}:rule/${name}`;
    case 'AWS::IAM::Role':
      return `arn:aws:iam::${ACCOUNT}:role/${name}`;
    case 'AWS::Lambda::Function':
      return `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
    case 'AWS::IAM::Policy':
      return through((Properties.Roles as unknown[])[0]);
    case 'AWS::Lambda::Permission':
      return through(Properties.FunctionName);
    default:
      return through(Properties.ServiceToken);
  }
}

/** Returns the logical id in a `Ref` or `Fn::GetAtt`. */
function nameIn(reference: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = reference as { Ref?: string; 'Fn::GetAtt'?: readonly [string, string] };
  const name = Ref ?? attribute?.[0];
  if (name === undefined) throw new Error(`${JSON.stringify(reference)} refers to no resource`);
  return name;
}
