// Checks the templates with linters. Accepted findings are in suppressions.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findTool } from '../../tools/tools.ts';
import { TEMPLATE_NAMES, TEMPLATES_FOLDER } from '../templates/templates.ts';
import { type Finding, readSuppressions, suppress } from './findings.ts';
import { runCfnLint, runCheckov } from './python-linters.ts';

/** The CDK writes DependsOn for resources that a Ref or GetAtt already refers to. */
const REDUNDANT_DEPENDS_ON = 'W3005';

describe.skipIf(findTool('linters') === undefined)('cfn-lint', () => {
  test.each(TEMPLATE_NAMES)('%s', (name) => {
    expect(runCfnLint(name).filter(({ rule }) => rule !== REDUNDANT_DEPENDS_ON)).toEqual([]);
  });
});

describe.skipIf(findTool('linters') === undefined)('checkov', () => {
  const findings: Finding[] = [];
  const suppressions = readSuppressions('checkov');

  test.each(TEMPLATE_NAMES)('%s', (name) => {
    const found = runCheckov(name);
    findings.push(...found);
    expect(suppress(found, suppressions).open).toEqual([]);
  });

  test('every suppression matches a finding', () => {
    expect(suppress(findings, suppressions).unused).toEqual([]);
  });
});

describe.skipIf(findTool('cdkNag') === undefined)('cdk-nag', () => {
  const suppressions = readSuppressions('cdk-nag');
  const findings = (): Finding[] => JSON.parse(readFileSync(join(TEMPLATES_FOLDER, 'cdk-nag.json'), 'utf8'));

  test.each(TEMPLATE_NAMES)('%s', (name) => {
    const found = findings().filter(({ template }) => template === name);
    expect(suppress(found, suppressions).open).toEqual([]);
  });

  test('every suppression matches a finding', () => {
    expect(suppress(findings(), suppressions).unused).toEqual([]);
  });
});
