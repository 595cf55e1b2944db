"""The images of the Dockerfile and the services of docker-compose.yml, without a container engine."""
