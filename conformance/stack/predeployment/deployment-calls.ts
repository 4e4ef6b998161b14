import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import { CODE_KEYS, PREFIX } from '../aws/code-bucket.ts';
import type { Call } from '../iam/policy.ts';
import type { Resource, Template } from '../templates/templates.ts';
import { physicalName } from './physical-names.ts';

/** What is done with a stack. */
export type Operation = 'create' | 'delete' | 'update';

/** How a stack is deployed. */
export interface Deployment {
  readonly stack: string;
  readonly names: 'fixed' | 'generated';
  readonly bucket: string;
}

/** Actions of CloudFormation, by what is done, on the resource itself. */
type Actions = Readonly<Record<Operation, readonly string[]>>;

/**
 * What CloudFormation calls in the name of whoever deploys: of what the schema of each type names for its handlers, `read` among
 * them, that which the properties of the template can lead to, with tags of the stack, and in updates another boundary and
 * newer code.
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
    // It is replaced.
    update: ['lambda:AddPermission', 'lambda:GetPolicy', 'lambda:RemovePermission'],
    delete: ['lambda:RemovePermission'],
  },
  'Custom::SociRepositoryNames': {
    create: ['lambda:InvokeFunction'],
    update: ['lambda:InvokeFunction'],
    delete: ['lambda:InvokeFunction'],
  },
};

/** All calls by which CloudFormation does something with the resources of a template. @throws Error where a type is none that is known */
export function deploymentCalls(template: Template, operation: Operation, deployment: Deployment): Call[] {
  return Object.entries(template.Resources).flatMap(([id, resource]) => {
    const actions = ACTIONS[resource.Type];
    if (actions === undefined) throw new Error(`${id} is of type ${resource.Type}, which is not known here`);
    const target = arnOf(template, id, resource, deployment);
    return [
      ...actions[operation].map((action) => ({ action, resource: target })),
      ...callsBeside(template, id, resource, operation, deployment),
    ];
  });
}

/** What a function takes beside itself: its role, which is passed to Lambda, and its code, where that does not stand in the template. */
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

/** ARN of what is acted on: of a resource that is part of another one, the other one's. */
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

/** What a `Ref` or a `Fn::GetAtt` names. */
function nameIn(reference: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = reference as { Ref?: string; 'Fn::GetAtt'?: readonly [string, string] };
  const name = Ref ?? attribute?.[0];
  if (name === undefined) throw new Error(`${JSON.stringify(reference)} names no resource`);
  return name;
}
