// What a program with the Kubernetes client for JavaScript does, against a hub: client.mjs MODULES KUBECONFIG NAMESPACE.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, kubeconfig, namespace] = process.argv.slice(2);
const k8s = await import(pathToFileURL(createRequire(`${modules}/`).resolve('@kubernetes/client-node')));
const config = new k8s.KubeConfig();
config.loadFromFile(kubeconfig);
config.setCurrentContext('federation');
const core = config.makeApiClient(k8s.CoreV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const path = `/api/v1/namespaces/${namespace}/configmaps`;

await core.createNamespace({ body: { metadata: { name: namespace } } });
await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'a' }, data: { k: '1' } } });

// An informer: a list, then a watch from there.
let stopping = false;
const informer = k8s.makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace }));
informer.on('error', (error) => {
  if (!stopping) throw error;
});
const told = (what) => new Promise((resolve) => informer.on(what, (o) => o.metadata.name === 'a' && resolve(o)));
const [added, changed, gone] = ['add', 'update', 'delete'].map(told);
await informer.start();
assert.equal((await added).data.k, '1');
const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
await core.patchNamespacedConfigMap({ namespace, name: 'a', body: { data: { k: '2' } } }, merge);
assert.equal((await changed).data.k, '2');
const strategic = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.StrategicMergePatch);
await core.patchNamespacedConfigMap({ namespace, name: 'a', body: { metadata: { labels: { l: 'v' } } } }, strategic);
const json = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.JsonPatch);
const operations = [{ op: 'replace', path: '/data/k', value: '3' }];
const patched = await core.patchNamespacedConfigMap({ namespace, name: 'a', body: operations }, json);
assert.deepEqual([patched.data.k, patched.metadata.labels], ['3', { l: 'v' }]);
await core.deleteNamespacedConfigMap({ namespace, name: 'a' });
await gone;
stopping = true;
await informer.stop();

// Server-side apply, and its conflicts.
const object = (x) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 's', namespace }, data: { x } });
const apply = (x, manager, force) =>
  objects.patch(object(x), undefined, undefined, manager, force, k8s.PatchStrategy.ServerSideApply);
assert.equal((await apply('1', 'one', false)).metadata.managedFields[0].manager, 'one');
await assert.rejects(apply('2', 'two', false), (refused) => refused.code === 409);
assert.equal((await apply('2', 'two', true)).data.x, '2');
const list = await objects.list('v1', 'ConfigMap', namespace);
assert.ok(list.items.some((item) => item.metadata.name === 's'));

// Our own kinds, by discovery.
const placements = await objects.list('federation.meridian.dev/v1alpha1', 'Placement', namespace);
assert.ok(Array.isArray(placements.items));

// A plain watch.
const watch = new k8s.Watch(config);
await new Promise((resolve, reject) => {
  const ended = (error) => (error && error.name !== 'AbortError' ? reject(error) : resolve());
  const stream = watch.watch(path, {}, (type, seen) => {
    if (type === 'ADDED' && seen.metadata.name === 's') stream.then((controller) => controller.abort());
  }, ended);
});
await core.deleteNamespace({ name: namespace });
console.log('done');
