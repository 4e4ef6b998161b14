import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPORTS } from '../../run-report.ts';

/** Folder with the deployment package of `npm run stack:package`: the plain template and two zips. */
export const PACKAGE_FOLDER: string = join(REPORTS.stack.folder, 'package');

/** Folder with the templates and the findings of cdk-nag from `write-templates.mjs`. */
export const TEMPLATES_FOLDER: string = join(REPORTS.stack.folder, 'templates');

/** Names of the tested templates: the plain templates, and stacks with the constructs. */
export const TEMPLATE_NAMES = [
  'plain',
  'plain-jobs',
  'default-props',
  'queued',
  'every-prop',
  'two-builders',
  'indexed-images',
  'registry-jobs',
] as const;

/** One of these names. */
export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** The parts of a CloudFormation template that the tests read. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, { readonly Default?: string }>>;
  readonly Resources: Readonly<Record<string, Resource>>;
}

/** A resource in a template. */
export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** Files of the plain templates. */
const PLAIN: Readonly<Partial<Record<TemplateName, string>>> = {
  plain: 'SociIndexBuilder.json',
  'plain-jobs': 'SociRegistryJobs.json',
};

/** Returns the path of a template. */
export function templatePath(name: TemplateName): string {
  const plain = PLAIN[name];
  return plain === undefined
    ? join(TEMPLATES_FOLDER, `${name}.json`)
    : join(PACKAGE_FOLDER, 'cfn-ecr-aws-soci-index-builder', 'templates', plain);
}

/** Reads a template. */
export function readTemplate(name: TemplateName): Template {
  return JSON.parse(readFileSync(templatePath(name), 'utf8')) as Template;
}
