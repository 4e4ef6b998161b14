// What Amazon ECR did to the image or its index: archived or deleted it.
import { printable } from '../../terminal/text.ts';
import { type Cause, found, notChecked, ruledOut } from '../cause.ts';
import { type Evidence, isUnread } from '../evidence.ts';
import { rebuildCommand, sociIndex } from '../names.ts';

const ECR_HINT = 'use AWS credentials that allow ecr:DescribeImages and ecr:GetLifecyclePolicy';

/** Maximum number of rules of a lifecycle policy. @see Amazon ECR User Guide, "Lifecycle policies": 50 */
const MAX_RULES = 50;

export const IMAGE_ARCHIVED: Cause = {
  id: 'image-archived',
  title: 'the image is archived in Amazon ECR',
  check({ registry }) {
    const { ecr, name, root, repository } = registry;
    if (ecr === undefined) return ruledOut(`${registry.host} is not a private registry of Amazon ECR`);
    if (ecr.isArchived !== true) {
      return root !== undefined
        ? ruledOut('the registry returned the image')
        : notChecked(ecr.problem ?? 'Amazon ECR did not say', ECR_HINT);
    }
    return found('cause', `${name} is archived in Amazon ECR. Archived images cannot be pulled at all.`, {
      read: ['the registry answers a request for the image with 404', 'DescribeImages: imageStatus is not ACTIVE'],
      means: 'A lifecycle rule or a person moved the image to the archive storage class.',
      remedy: [
        `Restore it: aws ecr update-image-storage-class --repository-name ${printable(repository)} --image-id imageTag=${printable(registry.tag ?? 'TAG')} --target-storage-class STANDARD --region ${ecr.region}`,
        `Check the lifecycle rules: ${sociIndex('lifecycle', `${registry.host}/${repository}`)}`,
      ],
    });
  },
};

export const INDEX_DELETED: Cause = {
  id: 'index-deleted',
  title: 'a lifecycle rule or a clean-up deleted the SOCI-enabled image or its index',
  check(evidence) {
    const { registry } = evidence;
    const { root, name, index, ecr } = registry;
    const isGone = root === undefined || (index !== undefined && !isUnread(index) && index.state === 'missing');
    if (!isGone) return ruledOut('the image and the index that it names exist');
    if (ecr?.isArchived) return ruledOut('the image is archived');
    const rules = describeRules(evidence);
    if (root !== undefined && rules.length === 0)
      return notChecked('the index is missing, and no lifecycle rule is known that deletes it', ECR_HINT);
    return found(
      'cause',
      root === undefined
        ? `${name} does not exist (any more).`
        : `The SOCI index of ${name} was deleted, probably by a lifecycle rule.`,
      {
        read: [
          root === undefined
            ? 'the registry answers a request for the image with 404'
            : 'the image names a SOCI index that does not exist',
          ...rules,
        ],
        means:
          'The index was not built, or it was deleted. Rules that count images count SOCI-enabled tags too. Rules for untagged images delete indexes of version 1, and parts of a SOCI-enabled image whose tag moved.',
        remedy: [
          `Build it again: ${rebuildCommand(registry)}`,
          `Get rules that keep images and indexes together: ${sociIndex('lifecycle', `${registry.host}/${registry.repository}`)}`,
        ],
      },
    );
  },
};

function describeRules({ registry: { ecr } }: Evidence): string[] {
  if (ecr?.lifecycle === undefined || ecr.lifecycle === 'none') return [];
  try {
    const { rules } = JSON.parse(ecr.lifecycle) as { readonly rules?: unknown };
    return (Array.isArray(rules) ? rules : []).slice(0, MAX_RULES).flatMap((rule: unknown) => {
      const { rulePriority, selection, action } = Object(rule) as Record<string, Record<string, unknown>>;
      const { tagStatus, countType, countNumber } = Object(selection) as Record<string, unknown>;
      if (Object(action).type !== 'expire') return [];
      return [
        `lifecycle rule ${printable(String(rulePriority))}: deletes ${printable(String(tagStatus))} images, ${printable(String(countType))} ${printable(String(countNumber))}`,
      ];
    });
  } catch {
    return [];
  }
}
