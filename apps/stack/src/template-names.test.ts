import { describe, expect, it } from 'vitest';
import { committedNames, compareNames, currentNames, type TemplateNames } from './fixtures/template-names.ts';

describe('the names that deployed stacks depend on', () => {
  const current = currentNames();

  it.each(Object.entries(committedNames()))('are in the %s template', (template, committed) => {
    expect(compareNames(committed, current[template] as TemplateNames)).toEqual([]);
  });

  it('are committed for every template', () => {
    expect(Object.keys(committedNames())).toEqual(Object.keys(current));
  });
});

describe('compareNames', () => {
  const committed: TemplateNames = {
    parameters: ['Filters'],
    resources: { Queue: 'AWS::SQS::Queue', Rule: 'AWS::Events::Rule' },
    outputs: { LogGroup: null, Function: '"name"' },
  };

  it('accepts equal names', () => {
    expect(compareNames(committed, committed)).toEqual([]);
  });

  it.each<[change: string, current: Partial<TemplateNames>, problems: string[]]>([
    [
      'a removed parameter',
      { parameters: [] },
      ['parameter Filters was removed or renamed: updates that set it fail, and its value is lost'],
    ],
    [
      'a renamed resource',
      { resources: { DeadLetterQueue: 'AWS::SQS::Queue', Rule: 'AWS::Events::Rule' } },
      [
        'resource Queue (AWS::SQS::Queue) was removed or renamed: an update deletes it and its data',
        'DeadLetterQueue is new: run "npm run stack:names" and commit the list',
      ],
    ],
    [
      'another type',
      { resources: { ...committed.resources, Rule: 'AWS::Pipes::Pipe' } },
      ['resource Rule changed from AWS::Events::Rule to AWS::Pipes::Pipe: CloudFormation rejects the update'],
    ],
    [
      'a removed output',
      { outputs: { Function: '"name"' } },
      ['output LogGroup was removed or renamed: scripts that read it fail'],
    ],
    [
      'a removed export',
      { outputs: { LogGroup: null, Function: null } },
      ['the export of output Function changed from "name" to null: stacks that import it block the update'],
    ],
    [
      'a new parameter',
      { parameters: ['Filters', 'Timeout'] },
      ['Timeout is new: run "npm run stack:names" and commit the list'],
    ],
  ])('reports %s', (_change, change, problems) => {
    expect(compareNames(committed, { ...committed, ...change })).toEqual(problems);
  });
});
