// The member tables of spec/02 Appendices A and B. A newer Kubernetes member is appended to its type without "!":
// existing hashes stay as they are.
#include "api/schema.hpp"

namespace crossfade::api {

std::string_view podTemplateTypes() {
  return R"(
PodTemplateSpec: metadata:ObjectMeta! spec:PodSpec!;
ObjectMeta: name generateName namespace selfLink uid resourceVersion generation creationTimestamp:time
    deletionTimestamp:* deletionGracePeriodSeconds:* labels:{} annotations:{} ownerReferences:[] finalizers:[]
    managedFields:[];
PodSpec: volumes:[Volume] initContainers:[Container] containers:[Container]!
    ephemeralContainers:[EphemeralContainer] restartPolicy terminationGracePeriodSeconds:* activeDeadlineSeconds:*
    dnsPolicy nodeSelector:{} serviceAccountName serviceAccount automountServiceAccountToken:* nodeName hostNetwork
    hostPID hostIPC shareProcessNamespace:* securityContext:*PodSecurityContext
    imagePullSecrets:[LocalObjectReference] hostname subdomain affinity:*Affinity schedulerName
    tolerations:[Toleration] hostAliases:[HostAlias] priorityClassName priority:* dnsConfig:*PodDNSConfig
    readinessGates:[PodReadinessGate] runtimeClassName:* enableServiceLinks:* preemptionPolicy:* overhead:{q}
    topologySpreadConstraints:[TopologySpreadConstraint] setHostnameAsFQDN:* os:*PodOS hostUsers:*
    schedulingGates:[PodSchedulingGate] resourceClaims:[PodResourceClaim] resources:*ResourceRequirements
    hostnameOverride:*;
Volume: name! hostPath:*HostPathVolumeSource emptyDir:*EmptyDirVolumeSource
    gcePersistentDisk:*GCEPersistentDiskVolumeSource awsElasticBlockStore:*AWSElasticBlockStoreVolumeSource
    gitRepo:*GitRepoVolumeSource secret:*SecretVolumeSource nfs:*NFSVolumeSource iscsi:*ISCSIVolumeSource
    glusterfs:*GlusterfsVolumeSource persistentVolumeClaim:*PersistentVolumeClaimVolumeSource rbd:*RBDVolumeSource
    flexVolume:*FlexVolumeSource cinder:*CinderVolumeSource cephfs:*CephFSVolumeSource flocker:*FlockerVolumeSource
    downwardAPI:*DownwardAPIVolumeSource fc:*FCVolumeSource azureFile:*AzureFileVolumeSource
    configMap:*ConfigMapVolumeSource vsphereVolume:*VsphereVirtualDiskVolumeSource quobyte:*QuobyteVolumeSource
    azureDisk:*AzureDiskVolumeSource photonPersistentDisk:*PhotonPersistentDiskVolumeSource
    projected:*ProjectedVolumeSource portworxVolume:*PortworxVolumeSource scaleIO:*ScaleIOVolumeSource
    storageos:*StorageOSVolumeSource csi:*CSIVolumeSource ephemeral:*EphemeralVolumeSource image:*ImageVolumeSource;
Container: name! image command:[] args:[] workingDir ports:[ContainerPort] envFrom:[EnvFromSource] env:[EnvVar]
    resources:ResourceRequirements! resizePolicy:[ContainerResizePolicy] restartPolicy:*
    restartPolicyRules:[ContainerRestartRule] volumeMounts:[VolumeMount] volumeDevices:[VolumeDevice]
    livenessProbe:*Probe readinessProbe:*Probe startupProbe:*Probe lifecycle:*Lifecycle terminationMessagePath
    terminationMessagePolicy imagePullPolicy securityContext:*SecurityContext stdin stdinOnce tty;
EphemeralContainer: &Container targetContainerName;
PodSecurityContext: seLinuxOptions:*SELinuxOptions windowsOptions:*WindowsSecurityContextOptions runAsUser:*
    runAsGroup:* runAsNonRoot:* supplementalGroups:[] supplementalGroupsPolicy:* fsGroup:* sysctls:[Sysctl]
    fsGroupChangePolicy:* seccompProfile:*SeccompProfile appArmorProfile:*AppArmorProfile seLinuxChangePolicy:*;
LocalObjectReference: name;
Affinity: nodeAffinity:*NodeAffinity podAffinity:*PodAffinity podAntiAffinity:*PodAntiAffinity;
Toleration: key operator value effect tolerationSeconds:*;
HostAlias: ip! hostnames:[];
PodDNSConfig: nameservers:[] searches:[] options:[PodDNSConfigOption];
PodReadinessGate: conditionType!;
TopologySpreadConstraint: maxSkew:int! topologyKey! whenUnsatisfiable! labelSelector:*LabelSelector minDomains:*
    nodeAffinityPolicy:* nodeTaintsPolicy:* matchLabelKeys:[];
PodOS: name!;
PodSchedulingGate: name!;
PodResourceClaim: name! resourceClaimName:* resourceClaimTemplateName:*;
ResourceRequirements: limits:{q} requests:{q} claims:[ResourceClaim];
HostPathVolumeSource: path! type:*;
EmptyDirVolumeSource: medium sizeLimit:*q;
GCEPersistentDiskVolumeSource: pdName! fsType partition readOnly;
AWSElasticBlockStoreVolumeSource: volumeID! fsType partition readOnly;
GitRepoVolumeSource: repository! revision directory;
SecretVolumeSource: secretName items:[KeyToPath] defaultMode:* optional:*;
NFSVolumeSource: server! path! readOnly;
ISCSIVolumeSource: targetPortal! iqn! lun:int! iscsiInterface fsType readOnly portals:[] chapAuthDiscovery
    chapAuthSession secretRef:*LocalObjectReference initiatorName:*;
GlusterfsVolumeSource: endpoints! path! readOnly;
PersistentVolumeClaimVolumeSource: claimName! readOnly;
RBDVolumeSource: monitors:[]! image! fsType pool user keyring secretRef:*LocalObjectReference readOnly;
FlexVolumeSource: driver! fsType secretRef:*LocalObjectReference readOnly options:{};
CinderVolumeSource: volumeID! fsType readOnly secretRef:*LocalObjectReference;
CephFSVolumeSource: monitors:[]! path user secretFile secretRef:*LocalObjectReference readOnly;
FlockerVolumeSource: datasetName datasetUUID;
DownwardAPIVolumeSource: items:[DownwardAPIVolumeFile] defaultMode:*;
FCVolumeSource: targetWWNs:[] lun:* fsType readOnly wwids:[];
AzureFileVolumeSource: secretName! shareName! readOnly;
ConfigMapVolumeSource: name items:[KeyToPath] defaultMode:* optional:*;
VsphereVirtualDiskVolumeSource: volumePath! fsType storagePolicyName storagePolicyID;
QuobyteVolumeSource: registry! volume! readOnly user group tenant;
AzureDiskVolumeSource: diskName! diskURI! cachingMode:* fsType:* readOnly:* kind:*;
PhotonPersistentDiskVolumeSource: pdID! fsType;
ProjectedVolumeSource: sources:[VolumeProjection]! defaultMode:*;
PortworxVolumeSource: volumeID! fsType readOnly;
ScaleIOVolumeSource: gateway! system! secretRef:*LocalObjectReference! sslEnabled protectionDomain storagePool
    storageMode volumeName fsType readOnly;
StorageOSVolumeSource: volumeName volumeNamespace fsType readOnly secretRef:*LocalObjectReference;
CSIVolumeSource: driver! readOnly:* fsType:* volumeAttributes:{} nodePublishSecretRef:*LocalObjectReference;
EphemeralVolumeSource: volumeClaimTemplate:*PersistentVolumeClaimTemplate;
ImageVolumeSource: reference pullPolicy;
ContainerPort: name hostPort containerPort:int! protocol hostIP;
EnvFromSource: prefix configMapRef:*ConfigMapEnvSource secretRef:*SecretEnvSource;
EnvVar: name! value valueFrom:*EnvVarSource;
ContainerResizePolicy: resourceName! restartPolicy!;
ContainerRestartRule: action exitCodes:*ContainerRestartRuleOnExitCodes;
VolumeMount: name! readOnly recursiveReadOnly:* mountPath! subPath mountPropagation:* subPathExpr;
VolumeDevice: name! devicePath!;
Probe: exec:*ExecAction httpGet:*HTTPGetAction tcpSocket:*TCPSocketAction grpc:*GRPCAction initialDelaySeconds
    timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds:*;
Lifecycle: postStart:*LifecycleHandler preStop:*LifecycleHandler stopSignal:*;
SecurityContext: capabilities:*Capabilities privileged:* seLinuxOptions:*SELinuxOptions
    windowsOptions:*WindowsSecurityContextOptions runAsUser:* runAsGroup:* runAsNonRoot:* readOnlyRootFilesystem:*
    allowPrivilegeEscalation:* procMount:* seccompProfile:*SeccompProfile appArmorProfile:*AppArmorProfile;
SELinuxOptions: user role type level;
WindowsSecurityContextOptions: gmsaCredentialSpecName:* gmsaCredentialSpec:* runAsUserName:* hostProcess:*;
Sysctl: name! value!;
SeccompProfile: type! localhostProfile:*;
AppArmorProfile: type! localhostProfile:*;
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution:*NodeSelector
    preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm];
PodAffinity: requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
    preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm];
PodAntiAffinity: requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
    preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm];
PodDNSConfigOption: name value:*;
LabelSelector: matchLabels:{} matchExpressions:[LabelSelectorRequirement];
ResourceClaim: name! request;
KeyToPath: key! path! mode:*;
DownwardAPIVolumeFile: path! fieldRef:*ObjectFieldSelector resourceFieldRef:*ResourceFieldSelector mode:*;
VolumeProjection: secret:*SecretProjection downwardAPI:*DownwardAPIProjection configMap:*ConfigMapProjection
    serviceAccountToken:*ServiceAccountTokenProjection clusterTrustBundle:*ClusterTrustBundleProjection
    podCertificate:*PodCertificateProjection;
PersistentVolumeClaimTemplate: metadata:ObjectMeta! spec:PersistentVolumeClaimSpec!;
ConfigMapEnvSource: name optional:*;
SecretEnvSource: name optional:*;
EnvVarSource: fieldRef:*ObjectFieldSelector resourceFieldRef:*ResourceFieldSelector
    configMapKeyRef:*ConfigMapKeySelector secretKeyRef:*SecretKeySelector fileKeyRef:*FileKeySelector;
ContainerRestartRuleOnExitCodes: operator values:[];
ExecAction: command:[];
HTTPGetAction: path port:ios! host scheme httpHeaders:[HTTPHeader];
TCPSocketAction: port:ios! host;
GRPCAction: port:int! service:*!;
LifecycleHandler: exec:*ExecAction httpGet:*HTTPGetAction tcpSocket:*TCPSocketAction sleep:*SleepAction;
Capabilities: add:[] drop:[];
NodeSelector: nodeSelectorTerms:[NodeSelectorTerm]!;
PreferredSchedulingTerm: weight:int! preference:NodeSelectorTerm!;
PodAffinityTerm: labelSelector:*LabelSelector namespaces:[] topologyKey! namespaceSelector:*LabelSelector
    matchLabelKeys:[] mismatchLabelKeys:[];
WeightedPodAffinityTerm: weight:int! podAffinityTerm:PodAffinityTerm!;
LabelSelectorRequirement: key! operator! values:[];
ObjectFieldSelector: apiVersion fieldPath!;
ResourceFieldSelector: containerName resource! divisor:q!;
SecretProjection: name items:[KeyToPath] optional:*;
DownwardAPIProjection: items:[DownwardAPIVolumeFile];
ConfigMapProjection: name items:[KeyToPath] optional:*;
ServiceAccountTokenProjection: audience expirationSeconds:* path!;
ClusterTrustBundleProjection: name:* signerName:* labelSelector:*LabelSelector optional:* path!;
PodCertificateProjection: signerName keyType maxExpirationSeconds:* credentialBundlePath keyPath
    certificateChainPath;
PersistentVolumeClaimSpec: accessModes:[] selector:*LabelSelector resources:VolumeResourceRequirements! volumeName
    storageClassName:* volumeMode:* dataSource:*TypedLocalObjectReference dataSourceRef:*TypedObjectReference
    volumeAttributesClassName:*;
ConfigMapKeySelector: name key! optional:*;
SecretKeySelector: name key! optional:*;
FileKeySelector: volumeName! path! key! optional:*;
HTTPHeader: name! value!;
SleepAction: seconds:int!;
NodeSelectorTerm: matchExpressions:[NodeSelectorRequirement] matchFields:[NodeSelectorRequirement];
VolumeResourceRequirements: limits:{q} requests:{q};
TypedLocalObjectReference: apiGroup:*! kind! name!;
TypedObjectReference: apiGroup:*! kind! name! namespace:*;
NodeSelectorRequirement: key! operator! values:[];
)";
}

std::string_view canaryStepTypes() {
  return R"(
CanaryStep: setWeight:* pause:*RolloutPause experiment:*RolloutExperimentStep analysis:*RolloutAnalysis
    setCanaryScale:*SetCanaryScale setHeaderRoute:*SetHeaderRoute setMirrorRoute:*SetMirrorRoute plugin:*PluginStep;
RolloutPause: duration:*ios;
SetCanaryScale: weight:* replicas:* matchTrafficWeight;
PluginStep: name! config:raw;
RolloutExperimentStep: templates:[RolloutExperimentTemplate]! duration analyses:[StepAnalysisTemplateRef]
    dryRun:[DryRun] analysisRunMetadata:Meta! scaleDownDelaySeconds:*;
RolloutExperimentTemplate: name! specRef! replicas:* metadata:Meta! selector:*LabelSelector weight:*
    service:*TemplateService;
Meta: labels:{} annotations:{};
TemplateService: name;
DryRun: metricName!;
MeasurementRetention: metricName! limit:int!;
StepAnalysisTemplateRef: name! templateName! clusterScope:* args:[AnalysisRunArgument] requiredForCompletion;
RolloutAnalysis: templates:[AnalysisTemplateRef] args:[AnalysisRunArgument] dryRun:[DryRun]
    measurementRetention:[MeasurementRetention] analysisRunMetadata:*Meta;
AnalysisTemplateRef: templateName! clusterScope:*;
AnalysisRunArgument: name! value valueFrom:*ArgumentValueFrom;
ArgumentValueFrom: podTemplateHashValue:* fieldRef:*FieldRef;
FieldRef: fieldPath!;
SetHeaderRoute: name match:[HeaderRoutingMatch];
HeaderRoutingMatch: headerName! headerValue:*StringMatch!;
SetMirrorRoute: name! match:[RouteMatch] percentage:*;
RouteMatch: method:*StringMatch path:*StringMatch headers:{StringMatch};
StringMatch: exact prefix regex;
)";
}

}  // namespace crossfade::api
