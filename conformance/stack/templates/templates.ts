import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPORT } from '../report.ts';

/** The folder that `npm run stack:package` writes: the plain template and two zips, as a bucket is to have them. */
export const PACKAGE_FOLDER: string = join(REPORT.folder, 'package');

/** Templates to look at, and what cdk-nag says of them, as `write-templates.mjs` leaves them. */
export const TEMPLATES_FOLDER: string = join(REPORT.folder, 'templates');

/** What is looked at: the plain template, and stacks with the constructs. */
export const TEMPLATE_NAMES = ['plain', 'default-props', 'every-prop', 'two-builders', 'indexed-images'] as const;

/** One of them. */
export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** A template of CloudFormation, as far as anybody here reads it. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, { readonly Default?: string }>>;
  readonly Resources: Readonly<Record<string, Resource>>;
}

/** A resource in a template. */
export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** Path of a template. */
export function templatePath(name: TemplateName): string {
  return name === 'plain'
    ? join(PACKAGE_FOLDER, 'cfn-ecr-aws-soci-index-builder', 'templates', 'SociIndexBuilder.json')
    : join(TEMPLATES_FOLDER, `${name}.json`);
}

/** A template. */
export function readTemplate(name: TemplateName): Template {
  return JSON.parse(readFileSync(templatePath(name), 'utf8')) as Template;
}
