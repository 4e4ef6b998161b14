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

test('nothing is allowed by nothing, and what one policy denies no other allows', () => {
  expect(allows([], CALL)).toBe(false);
  expect(allows([policyOf({}), policyOf({ Effect: 'Deny', Action: 'ecr:Put*' })], CALL)).toBe(false);
});

test('what is not needed is told, each action on each resource', () => {
  const policy = policyOf({ Action: ['ecr:PutImage', 'ecr:ListImages'], Resource: [PRODUCTION, 'other'] });
  expect(unusedPermissions([policy], [CALL])).toEqual([
    'ecr:PutImage on other',
    `ecr:ListImages on ${PRODUCTION}`,
    'ecr:ListImages on other',
  ]);
});

test('a condition is not passed over', () => {
  const statement = { Effect: 'Allow', Action: '*', Resource: '*', Condition: {} } as Statement;
  expect(() => allows([policyOf(statement)], CALL)).toThrow('Condition');
});
