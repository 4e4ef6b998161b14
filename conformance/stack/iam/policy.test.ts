import { expect, test } from 'vitest';
import { allows, type Policy, type Statement, unusedPermissions } from './policy.ts';

const CALL = { action: 'ecr:PutImage', resource: 'arn:aws:ecr:us-east-1:123456789012:repository/prod/app' };
const PRODUCTION = 'arn:aws:ecr:us-east-1:123456789012:repository/prod/*';

const policyOf = (...statements: Partial<Statement>[]): Policy => ({
  Version: '2012-10-17',
  Statement: statements.map((statement) => ({ Effect: 'Allow', Action: '*', Resource: '*', ...statement })),
});

test.each<[Partial<Statement>, boolean]>([
  [{ Action: 'ecr:PutImage', Resource: PRODUCTION }, true],
  [{ Action: ['ecr:GetImage', 'ECR:put*'], Resource: ['arn:aws:s3:::*', PRODUCTION] }, true],
  [{ Resource: PRODUCTION.replace('prod/*', 'pro?/app') }, true],
  [{ Action: 'ecr:PutImage', Resource: PRODUCTION.replace('prod', 'Prod') }, false],
  [{ Action: 'ecr:PutImag' }, false],
  [{ Action: 'ecr.PutImage' }, false],
  [{ Resource: PRODUCTION.replace('/*', '') }, false],
])('%j', (statement, expected) => {
  expect(allows([policyOf(statement)], CALL)).toBe(expected);
});

test('denies by default, and a denial overrides any permission', () => {
  expect(allows([], CALL)).toBe(false);
  expect(allows([policyOf({}), policyOf({ Effect: 'Deny', Action: 'ecr:Put*' })], CALL)).toBe(false);
});

test('lists unused permissions, each action on each resource', () => {
  const policy = policyOf({ Action: ['ecr:PutImage', 'ecr:ListImages'], Resource: [PRODUCTION, 'other'] });
  expect(unusedPermissions([policy], [CALL])).toEqual([
    'ecr:PutImage on other',
    `ecr:ListImages on ${PRODUCTION}`,
    'ecr:ListImages on other',
  ]);
});

test('allows a call with a condition only if its context matches', () => {
  const clusters = ['arn:*:ecs:*:*:cluster/web', 'arn:aws:ecs:us-east-1:123456789012:cluster/batch'];
  const policy = policyOf({ Action: 'ecs:ListTasks', Condition: { ArnLike: { 'ecs:cluster': clusters } } });
  const call = (cluster?: string) => ({
    action: 'ecs:ListTasks',
    resource: '*',
    ...(cluster !== undefined && {
      context: { 'ecs:cluster': `arn:aws:ecs:us-east-1:123456789012:cluster/${cluster}` },
    }),
  });
  expect([call('web'), call('batch')].filter((each) => !allows([policy], each))).toEqual([]);
  expect([call('website'), call()].filter((each) => allows([policy], each))).toEqual([]);
  expect(unusedPermissions([policy], [call('website')])).toEqual(['ecs:ListTasks on *']);
});

test('rejects a statement with another condition', () => {
  const statement = { Effect: 'Allow', Action: '*', Resource: '*', Condition: { Null: {} } } as unknown as Statement;
  expect(() => allows([policyOf(statement)], CALL)).toThrow('the condition Null is not supported');
});
