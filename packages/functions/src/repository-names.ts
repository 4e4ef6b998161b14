import { parseFilters, repositoryPatterns } from '@soci/filter';
import { type CloudFormationRequest, type CloudFormationResult, sendResponse } from './cloudformation/send-response.ts';
import { MAX_FILTERS_LENGTH } from './environment/filter-settings.ts';
import { messageOf } from './errors.ts';

/** Maximum size of the ARNs as JSON, in bytes. A response has at most 4,096 bytes, and other fields need up to 500. */
const MAX_ARNS = 3500;

/** Constant physical id, which makes every update an in-place update. */
const PHYSICAL_ID = 'repository-arns';

/**
 * Handler of the custom resource that extracts repository names from filters in a stack parameter. `ResourceProperties` contain
 * `filters` (a list or a comma-separated text), `prefix` (prefix of repository ARNs) and optionally `memberAccounts` (ids of
 * further accounts, separated by commas). The response has the attribute `repository_arns`. It always sends a response.
 */
export async function handler(request: CloudFormationRequest, _context?: unknown, send?: Send): Promise<void> {
  const { PhysicalResourceId = PHYSICAL_ID } = request;
  const result = request.RequestType === 'Delete' ? { Status: 'SUCCESS' as const, Data: {} } : findArns(request);
  console.log(JSON.stringify({ request: request.RequestType, ...result }));
  await sendResponse(request, PhysicalResourceId, result, send);
}

type Send = Parameters<typeof sendResponse>[3];

function findArns({ ResourceProperties }: CloudFormationRequest): CloudFormationResult {
  const { filters, prefix, memberAccounts } = ResourceProperties;
  try {
    const text = Array.isArray(filters) ? filters.join(',') : String(filters ?? '');
    const accounts = String(memberAccounts ?? '');
    const characters = text.length + accounts.length;
    if (characters > MAX_FILTERS_LENGTH) {
      const what = accounts === '' ? 'the filters have' : 'the filters and the member accounts have';
      const Reason = `${what} ${characters} characters: the maximum is ${MAX_FILTERS_LENGTH}. Use wildcards such as team/*:*, or several stacks`;
      return { Status: 'FAILED', Reason };
    }
    const patterns = repositoryPatterns(parseFilters(text));
    const members = accounts
      .split(',')
      .filter((account) => account !== '')
      .map((account) => String(prefix).replace(/:\d{12}:/, `:${account}:`));
    const arns = [String(prefix), ...members].flatMap((each) => patterns.map((pattern) => `${each}${pattern}`));
    const { length } = JSON.stringify(arns);
    if (length <= MAX_ARNS) return { Status: 'SUCCESS', Data: { repository_arns: arns } };
    const Reason = `the filters name ${arns.length} repositories, whose ARNs take ${length} characters: the maximum is ${MAX_ARNS}. Use wildcards such as team/*:*, or several stacks`;
    return { Status: 'FAILED', Reason };
  } catch (error) {
    return { Status: 'FAILED', Reason: messageOf(error) };
  }
}
