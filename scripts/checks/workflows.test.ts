import { describe, expect, it } from 'vitest';
import { workflowProblems } from './workflows.ts';

const WORKFLOW = `name: ci
on:
  pull_request:
permissions: {}
concurrency:
  group: \${{ github.ref }}
jobs:
  one:
    timeout-minutes: 5
    permissions:
      contents: read
    env:
      TITLE: \${{ github.event.pull_request.title }}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - run: |
          echo "$TITLE"
  two:
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - run: npm test
`;

describe('workflowProblems', () => {
  it('accepts a workflow that follows the rules', () => {
    expect(workflowProblems(WORKFLOW)).toEqual([]);
  });

  it.each([
    [/@3d3c42.*/, '@v7.0.1', 'line 15: pin actions/checkout@v7.0.1 by commit, with its tag as a comment'],
    [/ # v7.0.1/, '', 'by commit, with its tag as a comment'],
    [/echo "\$TITLE"/, `echo "$\{{ github.head_ref }}"`, 'line 17: pass the value to the script'],
    [/run: npm test/, `run: npm run $\{{ inputs.name }}`, 'line 23: pass the value to the script'],
    [/pull_request:/, 'pull_request_target:', 'line 3: pull_request_target gives secrets'],
    [/permissions: \{\}/, 'permissions: write-all', 'set "permissions: {}"'],
    [/concurrency:/, 'defaults:', 'set "concurrency"'],
    [/timeout-minutes: 5/, 'if: true', 'job one: set "timeout-minutes"'],
    [/permissions:\n {6}contents: read\n {4}steps:\n {6}- run/, 'steps:\n      - run', 'job two: set "permissions"'],
  ])('rejects the change of %s to %j', (part, change, problem) => {
    expect(workflowProblems(WORKFLOW.replace(part, change))).toEqual([expect.stringContaining(problem)]);
  });
});
