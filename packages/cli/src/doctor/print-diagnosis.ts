import { formatPlatform } from '@soci/oci';
import type { Output } from '../terminal/output.ts';
import { wrapWords } from '../terminal/text.ts';
import type { Found } from './cause.ts';
import type { Checked, Diagnosis } from './diagnose.ts';
import type { Evidence } from './evidence.ts';
import { platformName } from './names.ts';

/** Version of the JSON output. It changes if a field changes its meaning or is removed. */
const SCHEMA_VERSION = 1;

/** Maximum width of the text, in columns. */
const MAX_WIDTH = 100;

/** Returns what `doctor --json` prints. docs/doctor.md documents the fields. */
export function diagnosisAsJson(
  { registry }: Evidence,
  { verdict, findings, ruledOut, notChecked }: Diagnosis,
): object {
  const platform = registry.image?.platform;
  return {
    schemaVersion: SCHEMA_VERSION,
    image: registry.name,
    ...(registry.root && { digest: registry.root.digest }),
    ...(platform && { platform: formatPlatform(platform) }),
    verdict,
    cause: verdict === 'lazy' ? null : (findings[0]?.cause ?? null),
    findings: findings.map(({ cause, kind, answer, read, means, remedy }) => ({
      cause,
      kind,
      answer,
      read,
      means,
      remedy,
    })),
    ruledOut: ruledOut.map(({ cause, title, read }) => ({ cause, title, read })),
    notChecked: notChecked.map(({ cause, title, reason, hint }) => ({
      cause,
      title,
      reason,
      ...(hint !== undefined && { hint }),
    })),
    requests: registry.requests,
  };
}

/** Prints a diagnosis for users: the answer, then what it is based on, then what was ruled out and what could not be checked. */
export async function printDiagnosis(evidence: Evidence, diagnosis: Diagnosis, output: Output): Promise<void> {
  const { registry } = evidence;
  const { findings, ruledOut, notChecked, verdict } = diagnosis;
  const { bold, dim, green } = output.style;
  const width = Math.min(output.width, MAX_WIDTH);
  const answer = findings.find(({ kind }) => kind !== 'note');
  const lines: string[] = [];
  if (answer === undefined) {
    lines.push(
      ...wrapWords(`As far as can be told, ${registry.name} loads lazily.`, width).map((line) => green(bold(line))),
    );
    if (output.quiet) return output.writeLines(lines);
    lines.push('', ...labelled('Read', facts(evidence), width));
  }
  for (const finding of findings) {
    if (lines.length > 0) lines.push('');
    if (finding !== answer && finding === findings.find((each) => each !== answer)) lines.push(dim('Also:'));
    lines.push(...describeFinding(finding, width, bold));
    if (output.quiet) return output.writeLines(wrapWords(finding.answer, width));
  }
  const list = (title: string, items: readonly string[]) => {
    if (items.length === 0) return;
    lines.push('', dim(title), ...items.flatMap((item) => bulleted(item, width)));
  };
  list(
    'Ruled out:',
    ruledOut.map(({ cause, read }) => `${cause}: ${read}`),
  );
  list('Not checked:', describeUnchecked(notChecked));
  if (verdict !== 'lazy') lines.push('', dim(`Cause: ${findings[0]?.cause}. ${registry.requests} requests.`));
  await output.writeLines(lines);
}

function describeFinding(
  { answer, read, means, remedy }: Found & Checked,
  width: number,
  bold: (text: string) => string,
): string[] {
  return [
    ...wrapWords(answer, width).map(bold),
    '',
    ...labelled('Read', read, width),
    ...labelled('Means', [means], width),
    ...labelled('Do', remedy, width),
  ];
}

/** Describes causes that could not be checked. Those that the same evidence would decide are one line. */
function describeUnchecked(notChecked: Diagnosis['notChecked']): string[] {
  const groups = new Map<string, string[]>();
  for (const { cause, reason, hint } of notChecked) {
    const what = hint === undefined ? reason : `${reason}; ${hint}`;
    groups.set(what, [...(groups.get(what) ?? []), cause]);
  }
  return [...groups].map(([what, causes]) => `${causes.join(', ')}: ${what}`);
}

function facts({ registry }: Evidence): string[] {
  const { image, index } = registry;
  const digest = registry.root?.digest ?? '';
  const ztocs = index === undefined || 'unread' in index ? 0 : index.ztocs.length;
  return [
    `${registry.name} is ${digest}`,
    ...(image ? [`${platformName(image.platform)}: ${image.layers.length} layers, ${ztocs} with a zTOC`] : []),
  ];
}

const LABEL_WIDTH = 7;

/** Formats items after a label; further lines are indented. Commands stay on one line, so that they can be copied. */
function labelled(label: string, items: readonly string[], width: number): string[] {
  return items.flatMap((item, number) => {
    const prefix = number === 0 ? `${label}:`.padEnd(LABEL_WIDTH) : ' '.repeat(LABEL_WIDTH);
    const [first = '', ...rest] = wrapAround(item, width - LABEL_WIDTH);
    return [`${prefix}${first}`, ...rest.map((line) => `${' '.repeat(LABEL_WIDTH)}${line}`)];
  });
}

/** Wraps text, but puts a command at its end on a line of its own if it does not fit. */
function wrapAround(text: string, width: number): string[] {
  const at = text.indexOf(': soci-index ');
  if (at === -1 || text.length <= width) return wrapWords(text, width);
  return [...wrapWords(text.slice(0, at + 1), width), `  ${text.slice(at + 2)}`];
}

function bulleted(text: string, width: number): string[] {
  const [first = '', ...rest] = wrapWords(text, width - 2);
  return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
}
