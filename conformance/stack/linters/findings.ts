import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { matchesWildcards } from '../iam/policy.ts';

/** Something that a linter has to say. */
export interface Finding {
  /** Name of the template. */
  readonly template: string;
  /** The linter's name for the rule. */
  readonly rule: string;
  /** What it is about, as the linter names resources. */
  readonly resource: string;
}

/** A finding that stands, and why. `*` and `?` are wildcards. */
interface Suppression {
  readonly linter: 'cdk-nag' | 'checkov';
  readonly rule: string;
  /** Templates that have it. */
  readonly templates: readonly string[];
  readonly resource: string;
  readonly reason: string;
}

/** Those of `suppressions.json` that are for a linter. */
export function readSuppressions(linter: Suppression['linter']): Suppression[] {
  const all = JSON.parse(readFileSync(join(import.meta.dirname, 'suppressions.json'), 'utf8')) as Suppression[];
  return all.filter((suppression) => suppression.linter === linter);
}

/** Of the findings, those that no suppression is for; and of the suppressions what is for no finding. */
export function suppress(
  findings: readonly Finding[],
  suppressions: readonly Suppression[],
): { open: Finding[]; unused: string[] } {
  return {
    open: findings.filter((finding) => !suppressions.some((suppression) => isFor(suppression, finding))),
    unused: suppressions.flatMap((suppression) =>
      suppression.templates
        .filter((name) => !findings.some((finding) => finding.template === name && isFor(suppression, finding)))
        .map((name) => `${name}: ${suppression.rule} of ${suppression.resource}`),
    ),
  };
}

function isFor({ rule, templates, resource }: Suppression, finding: Finding): boolean {
  return (
    templates.includes(finding.template) &&
    matchesWildcards(rule, finding.rule) &&
    matchesWildcards(resource, finding.resource)
  );
}
