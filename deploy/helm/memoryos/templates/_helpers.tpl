{{/* The name of the chart, for labels. */}}
{{- define "memoryos.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What the names of all objects begin with; short enough for "-gateway-" and a number after it. */}}
{{- define "memoryos.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains (include "memoryos.name" .) .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "memoryos.name" .) | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "memoryos.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "memoryos.selector" . }}
{{- end -}}

{{- define "memoryos.selector" -}}
app.kubernetes.io/name: {{ include "memoryos.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "memoryos.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "memoryos.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What gateway and worker have in common: the pod's settings. */}}
{{- define "memoryos.pod" -}}
serviceAccountName: {{ include "memoryos.serviceAccountName" . }}
automountServiceAccountToken: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{/* What gateway and worker have in common: the container's settings. */}}
{{- define "memoryos.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- with .Values.existingSecrets }}
envFrom:
  {{- range . }}
  - secretRef:
      name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Which Redis and Qdrant, for gateway and worker alike; the names are those of config.example.toml. */}}
{{- define "memoryos.env" -}}
- name: MEMORYOS_CONFIG
  value: /etc/memoryos/config.toml
- name: MEMORYOS__STORAGE__PROFILE
  value: server
- name: MEMORYOS_ASYNC_MEMORY_PIPELINE
  value: "true"
- name: MEMORYOS__STORAGE__REDIS__MODE
  value: {{ .Values.redis.mode }}
- name: MEMORYOS__STORAGE__REDIS__URL
  value: {{ .Values.redis.url | quote }}
{{- if eq .Values.redis.mode "sentinel" }}
- name: MEMORYOS__STORAGE__REDIS__SENTINELS
  value: {{ join "," .Values.redis.sentinels | quote }}
- name: MEMORYOS__STORAGE__REDIS__MASTER
  value: {{ .Values.redis.master | quote }}
{{- end }}
{{- if eq .Values.redis.mode "cluster" }}
# in a Redis Cluster the stream's name carries the hash tag
- name: MEMORYOS_WORKER_STREAM
  value: "{chat_log}"
{{- end }}
- name: MEMORYOS__STORAGE__REDIS__WAIT_REPLICAS
  value: {{ .Values.redis.waitReplicas | quote }}
{{- with .Values.redis.passwordSecret }}
{{- if .name }}
- name: MEMORYOS__STORAGE__REDIS__PASSWORD_ENV
  value: REDIS_PASSWORD
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}
{{- end }}
- name: MEMORYOS__STORAGE__QDRANT__URL
  value: {{ .Values.qdrant.url | quote }}
- name: MEMORYOS__STORAGE__QDRANT__SHARD_NUMBER
  value: {{ .Values.qdrant.shardNumber | quote }}
- name: MEMORYOS__STORAGE__QDRANT__REPLICATION_FACTOR
  value: {{ .Values.qdrant.replicationFactor | quote }}
- name: MEMORYOS__STORAGE__QDRANT__WRITE_CONSISTENCY_FACTOR
  value: {{ .Values.qdrant.writeConsistencyFactor | quote }}
{{- with .Values.qdrant.apiKeySecret }}
{{- if .name }}
- name: MEMORYOS__STORAGE__QDRANT__API_KEY_ENV
  value: QDRANT_API_KEY
- name: QDRANT_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Both serve these on their port `http`. */}}
{{- define "memoryos.probes" -}}
startupProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /health/ready, port: http}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}

{{/* Pods of one component on different nodes, as far as there are some. Call with a dict of root and component. */}}
{{- define "memoryos.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "memoryos.selector" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
{{- end -}}
