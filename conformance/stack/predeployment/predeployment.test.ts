// Whether the permissions of AWS's guide, and ours, suffice to deploy the plain template.
import { describe, expect, test } from 'vitest';
import { allows, type Call, type Policy, unusedPermissions } from '../iam/policy.ts';
import { readTemplate } from '../templates/templates.ts';
import { BEYOND_THE_GUIDE } from './beyond-the-guide.ts';
import { type Deployment, deploymentCalls, type Operation, physicalName } from './deployment-calls.ts';
import { readPolicies } from './policies.ts';
import { stackCalls, uploadCalls } from './stack-calls.ts';

const OPERATIONS: readonly Operation[] = ['create', 'update', 'delete'];

/** A user's bucket, and the bucket of AWS in its guide. */
const BUCKET = 'my-bucket';
const BUCKET_OF_AWS = 'aws-quickstart-us-east-1';

/** A stack name that is short enough for the guide's permissions. */
const STACK = 'soci-stack1';

const template = readTemplate('plain');

/** Options for generated and fixed names. */
const CREATION = {
  function: (name: string): Call => ({
    action: 'lambda:CreateFunction',
    resource: `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
  }),
  role: (name: string): Call => ({
    action: 'iam:CreateRole',
    resource: `arn:aws:iam::123456789012:role/${name}`,
  }),
};

describe("the permissions of AWS's guide", () => {
  const guide = readPolicies('guide', STACK, BUCKET);
  const fixed: Deployment = { stack: STACK, names: 'fixed', bucket: BUCKET };

  test.each(OPERATIONS)('suffice for a stack with fixed names, except for the listed calls: %s', (operation) => {
    const listed = BEYOND_THE_GUIDE.filter(({ operations }) => operations.includes(operation));
    const refused = refusedCalls(guide, deploymentCalls(template, operation, fixed));
    expect(refused.filter(({ action }) => !listed.some((beyond) => beyond.action === action))).toEqual([]);
    expect(listed.filter(({ action }) => !refused.some((call) => call.action === action))).toEqual([]);
  });

  test('allow reading code only from the bucket of AWS', () => {
    const fetched = (bucket: string) =>
      deploymentCalls(template, 'create', { ...fixed, bucket }).filter(({ action }) => action === 's3:GetObject');
    expect(fetched(BUCKET)).toHaveLength(2);
    expect(refusedCalls(guide, fetched(BUCKET))).toEqual(fetched(BUCKET));
    expect(refusedCalls(guide, fetched(BUCKET_OF_AWS))).toEqual([]);
  });

  test('do not suffice for generated names', () => {
    const generated: Deployment = { ...fixed, names: 'generated' };
    const refused = refusedCalls(guide, deploymentCalls(template, 'create', generated)).filter(
      ({ action }) => !BEYOND_THE_GUIDE.some((beyond) => beyond.action === action),
    );
    const names = [
      'rule/soci-stack1-ECRImageActionEventBridgeRule',
      'function:soci-stack1-RepositoryNameParsingLambda',
    ];
    expect(refused.filter(({ resource }) => !names.some((name) => resource.includes(name)))).toEqual([]);
    expect(new Set(refused.map(({ action }) => action.split(':')[0]))).toEqual(new Set(['events', 'lambda']));
  });

  test.each([
    ['function', 'ECRImageActionEventFilteringLambda', 15],
    ['role', 'ECRImageActionEventFilteringLambdaRole', 11],
    ['role', 'RepositoryNameParsingLambdaRole', 18],
    ['role', 'SociIndexGeneratorLambdaRole', 21],
  ] as const)('reach the %s %s for stack names of up to %i characters, as its notes say', (kind, id, longest) => {
    const mayCreate = (length: number) => {
      const name = physicalName(id, 's'.repeat(length), 'fixed');
      return allows(guide, CREATION[kind](name));
    };
    expect([mayCreate(longest), mayCreate(longest + 1)]).toEqual([true, false]);
  });
});

describe('our permissions', () => {
  const ours = readPolicies('generated-names', 'soci', BUCKET);
  const deployment: Deployment = { stack: 'soci', names: 'generated', bucket: BUCKET };
  const callsOf = (operation: Operation, which: Deployment) => [
    ...stackCalls(operation, which),
    ...deploymentCalls(template, operation, which),
  ];

  test.each(OPERATIONS)('suffice for a stack with generated names: %s', (operation) => {
    expect(refusedCalls(ours, callsOf(operation, deployment))).toEqual([]);
  });

  test('suffice to upload the package', () => {
    expect(refusedCalls(ours, uploadCalls(deployment))).toEqual([]);
  });

  test.each([16, 32])('suffice for a stack name of %i characters, which shortens other names', (length) => {
    const stack = 's'.repeat(length);
    const calls = OPERATIONS.flatMap((operation) => callsOf(operation, { ...deployment, stack }));
    expect(refusedCalls(readPolicies('generated-names', stack, BUCKET), calls)).toEqual([]);
  });

  test('contain no unused permission and none for other stacks', () => {
    const calls = [...OPERATIONS.flatMap((operation) => callsOf(operation, deployment)), ...uploadCalls(deployment)];
    expect(unusedPermissions(ours, calls)).toEqual([]);
    const others = callsOf('delete', { ...deployment, stack: 'other' });
    expect(others.filter((call) => allows(ours, call))).toEqual([]);
  });
});

function refusedCalls(policies: readonly Policy[], calls: readonly Call[]): Call[] {
  return calls.filter((call) => !allows(policies, call));
}
